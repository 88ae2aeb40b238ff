import Foundation
import HDF5
import TestSupport
import Testing

@Suite("checkpoint-inspect restore")
struct RestoreTests {
  private static let trained = Fixture.path("keras-3.15/mlp.h5")
  private static let weights = Fixture.path("keras-3.15/mlp_ema.weights.h5")

  @Test("where only the optimizer's variables do not fit, the cure is to take the weights")
  func weightsAlone() throws {
    let folder = try TemporaryDirectory()
    let arguments = [
      "restore", Fixture.path("keras-2.12/mlp.h5"), "--into", Fixture.path("keras-2.12/mlp_ema.h5"),
      "-o", folder.file("x.h5"),
    ]
    expectTrouble(try BuiltProduct.checkpointInspect.run(arguments), "--role weight takes")
    expectSuccess(try BuiltProduct.checkpointInspect.run(arguments + ["--role", "weight"]))
    expectTrouble(
      try inspect(
        "restore", Fixture.path("keras-2.12/mlp.h5"), "--into",
        Fixture.path("keras-2.12/flatten.h5"),
        "-o", folder.file("y.h5")), "choose what to take with --only")
  }

  @Test("takes what a pattern selects, across layouts, and keeps every other byte")
  func across() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.weights.h5")
    let before = [try contents(of: Self.trained), try contents(of: Self.weights)]
    let outcome = try inspect(
      "restore", Self.trained, "--into", Self.weights, "--output", output, "--only",
      "accumulator/*")
    expectSuccess(outcome)
    #expect([try contents(of: Self.trained), try contents(of: Self.weights)] == before)
    #expect(try folder.names() == ["out.weights.h5"])

    let (source, target) = (try Shown(Self.trained).digests, try Shown(Self.weights).digests)
    let digests = try Shown(output).digests
    #expect(Set(digests.keys) == Set(target.keys))
    for (name, digest) in digests {
      #expect(digest == (name.hasPrefix("accumulator/") ? source[name] : target[name]), "\(name)")
    }
    #expect(outcome.outputLines.filter { $0.hasPrefix("restore   accumulator/") }.count == 6)
    // Only the bytes of tensors differ.
    #expect(try contents(of: output).count == before[1].count)
  }

  @Test("takes everything without a pattern, and the results are the same")
  func everything() throws {
    let folder = try TemporaryDirectory()
    let target = folder.file("target.h5")
    try DataFiles.altered(Self.trained, as: target) { root in
      let dataset = try root.openDataset("model_weights/dense/sequential/dense/bias")
      try [Float](repeating: 3, count: 12).withUnsafeBytes { try dataset.write(from: $0) }
    }
    #expect(try differences(Self.trained, target) == ["dense/bias"])
    expectSuccess(
      try inspect("restore", Self.trained, "--into", target, "-o", folder.file("out.h5")))
    expectSuccess(try inspect("diff", Self.trained, folder.file("out.h5")))
    #expect(try contents(of: folder.file("out.h5")) == contents(of: Self.trained))
  }

  @Test("a dry run prints the plan as committed and writes nothing", arguments: ["text", "json"])
  func dryRun(format: String) throws {
    let folder = try TemporaryDirectory()
    try ExpectedOutput.check(
      "restore-dry-run.\(format == "text" ? "txt" : "json")",
      [
        "restore", "keras-3.15/mlp.h5", "--into", "keras-3.15/mlp.weights.h5", "--only",
        "*kernel", "-o", folder.file("out.weights.h5"), "--dry-run", "--format", format,
      ])
    #expect(try folder.names() == [])
  }

  @Test(
    "what would lose something is refused whole",
    arguments: [
      ("keras-3.15/mlp_ema.h5", "keras-3.15/mlp.h5", "*", "average/dense/kernel"),
      ("keras-3.15/mlp.h5", "keras-3.15/mlp_ema.h5", "*", "average/dense/kernel"),
      ("keras-3.15/mlp.h5", "keras-3.15/flatten.h5", "dense/*", "(12, 6)"),
      (
        "keras-3.15/mlp.h5", "keras-3.15/mlp.h5", "nothing*", "1 missing from the source (nothing*)"
      ),
    ])
  func refused(source: String, target: String, pattern: String, word: String) throws {
    let folder = try TemporaryDirectory()
    for options in [[], ["--dry-run"], ["--force"]] {
      let outcome = try BuiltProduct.checkpointInspect.run(
        [
          "restore", Fixture.path(source), "--into", Fixture.path(target), "--only", pattern, "-o",
          folder.file("out.h5"),
        ] + options)
      expectTrouble(outcome, Fixture.path(source), word)
    }
    #expect(try folder.names() == [])
  }

  @Test("an existing output needs --force, an input is never the output")
  func outputs() throws {
    let folder = try TemporaryDirectory()
    let (source, target) = (folder.file("source.h5"), folder.file("target.h5"))
    try FileManager.default.copyItem(atPath: Self.trained, toPath: source)
    try FileManager.default.copyItem(atPath: Self.trained, toPath: target)
    try FileManager.default.linkItem(atPath: target, toPath: folder.file("link.h5"))
    let before = try snapshot(of: folder.path)
    for output in [source, target, folder.file("link.h5")] {
      expectTrouble(
        try inspect("restore", source, "--into", target, "-o", output, "--force"), output)
    }
    #expect(try snapshot(of: folder.path) == before)

    let output = folder.file("out.h5")
    try "mine".write(toFile: output, atomically: false, encoding: .utf8)
    expectTrouble(try inspect("restore", source, "--into", target, "-o", output), output, "--force")
    #expect(try text(of: output) == "mine")
    expectSuccess(try inspect("restore", source, "--into", target, "-o", output, "--force"))
    #expect(try contents(of: output) == contents(of: source))
    expectTrouble(
      try inspect("restore", source, "--into", target, "-o", folder.file("missing/out.h5")),
      folder.file("missing/out.h5"))
  }
}
