import Foundation
import HDF5
import TestSupport
import Testing

@Suite("checkpoint-inspect show FILE TENSOR") struct NumbersTests {
  private static let model = "keras-3.15/mlp_ema.h5"

  @Test(
    "prints numbers as committed",
    arguments: [
      ("rows", "dense/kernel[0:4, :]"), ("column", "dense/kernel[:, -1]"),
      ("steps", "dense/kernel[::-5, ::4]"), ("one", "dense/kernel[2, 3]"),
      ("slot", "accumulator/dense_1/kernel[..., 0]"), ("scalar", "iteration"),
      ("nothing", "dense/kernel[3:3]"),
    ])
  func numbers(name: String, tensor: String) throws {
    try ExpectedOutput.check("numbers-\(name).txt", ["show", Self.model, tensor])
  }

  @Test("prints numbers in every format as committed", arguments: ["json", "ndjson", "csv"])
  func formats(format: String) throws {
    try ExpectedOutput.check(
      "numbers-rows.\(format)",
      ["show", Self.model, "dense/kernel[1:3, ::6]", "--format", format])
  }

  @Test("abbreviates large selections, unless told not to")
  func large() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.safetensors")
    try DataFiles.safetensors(
      path, name: "table", shape: [3, 40, 50], (0..<6000).map { Float($0) / 8 })
    try ExpectedOutput.check("numbers-large.txt", ["show", path, "table"], in: folder.path)
    try ExpectedOutput.check(
      "numbers-large.csv", ["show", path, "table", "--format", "csv"], in: folder.path)
    let all = try inspect("show", path, "table", "--all")
    expectSuccess(all)
    #expect(!all.output.contains("…") && all.output.contains(" 749.875]]]"))
    #expect(all.output.split { " []\n".contains($0) }.count == 6000 + 5)
  }

  @Test("reads only the rows that are needed, of compressed datasets, too")
  func rows() throws {
    let shown = try inspect(
      "show", Fixture.path("keras-3.15/embedding.h5"), "tokens/embeddings[-1]")
    let all = try inspect("show", Fixture.path("keras-3.15/embedding.h5"), "tokens/embeddings")
    expectSuccess(shown)
    let last = shown.output.split { " []\n".contains($0) }.suffix(8)
    #expect(all.output.split { " []\n".contains($0) }.suffix(8) == last)
  }

  @Test("refuses tensors and places that are not there, and says what may have been meant")
  func refusals() throws {
    let model = Fixture.path(Self.model)
    expectTrouble(try inspect("show", model, "dense/kernl"), "did you mean 'dense/kernel'?")
    expectTrouble(
      try inspect("show", model, "dense/kernel[99]"), "out of range for axis 0", "(20, 12)")
    expectTrouble(try inspect("show", model, "dense/kernel[0,0,0]"), "at most 2 indices, found 3")
    #expect(try inspect("show", model, "dense/kernel[x]").exitCode == 64)
    #expect(try inspect("show", model, "dense/kernel", "--health").exitCode == 64)
    #expect(try inspect("show", model, "--all").exitCode == 64)
  }
}

@Suite("standard input") struct StandardInputTests {
  @Test(
    "is read through pipes, from files, and as a pipe with a name",
    arguments: ["keras-3.15/mlp_ema.h5", "keras-2.12/mlp_ema.weights.h5"])
  func pipes(file: String) throws {
    let path = Fixture.path(file)
    let plain = try inspect("show", path, "--statistics", "--digests")
    for script in [
      #"cat "$1" | "$0" show - --statistics --digests"#,
      #""$0" show - --statistics --digests < "$1""#,
      #"mkfifo "$2/pipe" && { cat "$1" > "$2/pipe" & "$0" show "$2/pipe" --statistics --digests; }"#,
    ] {
      let folder = try TemporaryDirectory()
      let outcome = try BuiltProduct.checkpointInspect.runInShell(script, [path, folder.path])
      expectSuccess(outcome)
      #expect(outcome.outputLines.dropFirst() == plain.outputLines.dropFirst(), "\(script)")
      let name = script.contains("mkfifo") ? "\(folder.path)/pipe" : "standard input"
      #expect(outcome.output.hasPrefix("\(name): "))
    }
  }

  @Test("that is no checkpoint, cut short, or empty is an error that names it")
  func trouble() throws {
    let path = Fixture.path("keras-3.15/mlp_ema.h5")
    for script in [
      #"echo no checkpoint | "$0" show -"#, #"head -c 3000 "$1" | "$0" show -"#,
      #""$0" show - < /dev/null"#,
    ] {
      let outcome = try BuiltProduct.checkpointInspect.runInShell(script, [path])
      expectTrouble(outcome, "standard input")
      #expect(!outcome.errors.contains("/dev/fd"))
    }
    let outcome = try BuiltProduct.checkpointInspect.runInShell(
      #"cat "$1" | TMPDIR=/nowhere "$0" show -"#, [path])
    expectTrouble(outcome, "standard input", "/nowhere", "TMPDIR")
  }
}
