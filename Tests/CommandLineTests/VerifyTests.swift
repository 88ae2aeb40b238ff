import Foundation
import TestSupport
import Testing

@Suite("checkpoint-inspect verify")
struct VerifyTests {
  /// Fixtures as Cairn writes them, one for each of these names, in a folder of their own.
  private func written(_ names: String...) throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    for name in names {
      let profile = name.hasSuffix(".keras") ? "keras3-archive" : "keras3-weights"
      let path = folder.file(name)
      expectSuccess(
        try inspect("convert", Fixture.path("keras-2.12/mlp_ema.h5"), path, "--to", profile))
    }
    return folder
  }

  private func flip(_ path: String, _ change: (Data) throws -> Int) throws {
    var content = try contents(of: path)
    content[try change(content)] ^= 0x10
    try content.write(to: URL(filePath: path))
  }

  /// Turns a bit of a tensor, by its place in the report.
  private func damage(_ name: String, of path: String, at offset: Int = 0) throws {
    let report = try Report(inspect("verify", path, "--format", "json").output)
    let item = try #require(report.items.first { $0.name == name })
    try flip(path) { _ in try #require(item.fileOffset) + offset }
  }

  struct Report: Decodable {
    struct Item: Decodable {
      struct Block: Decodable {
        let block: Int
        let start: Int
        let end: Int
      }
      let subject: String
      let name: String
      let outcome: String
      let fileOffset: Int?
      let byteCount: Int
      let blocks: [Block]?
    }
    let schemaVersion: Int
    let outcome: String
    let algorithm: String?
    let roots: [String]
    let items: [Item]

    init(_ text: String) throws {
      self = try JSONDecoder().decode(Self.self, from: Data(text.utf8))
    }
  }

  @Test("prints text as committed, whole and damaged", arguments: ["x.weights.h5", "x.keras"])
  func text(name: String) throws {
    let folder = try written(name)
    try ExpectedOutput.check("verify-\(name).txt", ["verify", name], in: folder.path)
    try damage("accumulator/dense/kernel", of: folder.file(name), at: 100)
    try ExpectedOutput.check(
      "verify-\(name)-damaged.txt", ["verify", name], in: folder.path, exitCode: 1)
    try ExpectedOutput.check(
      "verify-\(name)-damaged.json", ["verify", name, "--format", "json"], in: folder.path,
      exitCode: 1)
  }

  @Test("a file of Keras is not covered: 0, and 1 when digests are asked for")
  func notCovered() throws {
    let file = "keras-2.12/flatten.h5"
    try ExpectedOutput.check("verify-keras-2.12-flatten.h5.txt", ["verify", file])
    try ExpectedOutput.check(
      "verify-keras-2.12-flatten.h5.txt", ["verify", file, "--require-digests"], exitCode: 1)
  }

  @Test("a folder is gone through from the newest on, each checkpoint by itself")
  func folder() throws {
    let folder = try written("step-000000000001.weights.h5", "step-000000000003.weights.h5")
    let cut = folder.file("step-000000000002.weights.h5")
    let whole = try contents(of: folder.file("step-000000000001.weights.h5"))
    try whole.prefix(whole.count / 2).write(to: URL(filePath: cut))
    try damage("dense/bias", of: folder.file("step-000000000003.weights.h5"))
    let outcome = try inspect("verify", ".", in: folder.path)
    #expect(outcome.exitCode == 2)
    #expect(outcome.errors == "")
    let lines = outcome.outputLines
    try #require(lines.count == 4)
    #expect(lines[0].hasPrefix("./step-000000000003.weights.h5: damaged: 1 of "))
    #expect(lines[1].hasPrefix("  dense/bias: damaged: block 0 (bytes 0..<"))
    #expect(lines[2].hasPrefix("./step-000000000002.weights.h5: cannot read"))
    #expect(lines[3].hasPrefix("./step-000000000001.weights.h5: ok: "))
    try FileManager.default.removeItem(atPath: cut)
    #expect(try inspect("verify", ".", in: folder.path).exitCode == 1)
    let json = try inspect("verify", ".", "--format", "json", in: folder.path)
    #expect(json.exitCode == 1)
    #expect(json.output.contains("\"checkpoints\""))
  }

  @Test("only the chosen tensors are read")
  func only() throws {
    let folder = try written("x.keras")
    let path = folder.file("x.keras")
    try damage("dense/bias", of: path)
    #expect(try inspect("verify", path, "--only", "*kernel").exitCode == 0)
    #expect(try inspect("verify", path, "--only", "dense/*").exitCode == 1)
    expectTrouble(try inspect("verify", path, "--only", "none/*"), "no tensor", "show")
    #expect(try inspect("verify", path, "--only", "[").exitCode == 64)
  }

  @Test("what is neither a checkpoint nor a folder of some is trouble")
  func trouble() throws {
    let folder = try TemporaryDirectory()
    expectTrouble(try inspect("verify", folder.file("none.h5")), "none.h5", "No such file")
    expectTrouble(try inspect("verify", folder.path), "folder of checkpoints")
  }

  @Test("commands refuse damaged tensors, and take them with --no-verify")
  func reading() throws {
    let folder = try written("x.weights.h5")
    let path = folder.file("x.weights.h5")
    try damage("dense/kernel", of: path)
    let exported = folder.file("out.npz")
    expectTrouble(
      try inspect("export", path, exported), "dense/kernel", "block 0", "--no-verify")
    #expect(try folder.names() == ["x.weights.h5"])
    expectSuccess(try inspect("export", path, exported, "--no-verify"))
    expectTrouble(
      try inspect("convert", path, folder.file("y.h5"), "--to", "keras2-h5"), "dense/kernel")
    expectSuccess(
      try inspect("convert", path, folder.file("y.h5"), "--to", "keras2-h5", "--no-verify"))
    expectTrouble(try inspect("diff", path, folder.file("y.h5")), "dense/kernel")
    #expect(try inspect("diff", path, folder.file("y.h5"), "--no-verify").exitCode == 0)
    expectSuccess(try inspect("show", path))
    expectTrouble(try inspect("show", path, "--statistics"), "dense/kernel")
    expectSuccess(try inspect("show", path, "--statistics", "--no-verify"))
  }

  @Test("a damaged structure is refused in words, and never brings the program down")
  func structure() throws {
    let folder = try written("x.weights.h5")
    let path = folder.file("x.weights.h5")
    let content = try contents(of: path)
    let report = try Report(inspect("verify", path, "--format", "json").output)
    let taken = report.items.compactMap { item in
      item.fileOffset.map { $0..<$0 + item.byteCount }
    }
    var offset = 5
    while offset < content.count - 32 {
      defer { offset += 997 }
      if taken.contains(where: { $0.contains(offset) }) { continue }
      var damaged = content
      for byte in offset..<min(offset + 16, content.count - 32) { damaged[byte] ^= 0xff }
      try damaged.write(to: URL(filePath: path))
      let outcome = try inspect("verify", path)
      #expect(outcome.exitCode == 1, "byte \(offset): \(outcome.errors)")
      expectTrouble(try inspect("show", path), path, "not what was written")
    }
  }
}
