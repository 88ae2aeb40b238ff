import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Deflated archives") struct DeflatedArchiveTests {
  /// A large tensor, so that the content has several blocks, and small ones.
  private func makeCheckpoint() throws -> Checkpoint {
    try Checkpoint(dense: [1500, 3], inputs: 700)
  }

  /// The archive of a checkpoint with every member deflated, or changed by a line of Python that knows
  /// it as `data`, a bytearray.
  private func makeArchive(
    in folder: borrowing TemporaryDirectory, of checkpoint: Checkpoint, damage: String = ""
  ) throws -> String {
    let stored = folder.file("stored.keras")
    let deflated = folder.file("deflated.keras")
    try checkpoint.save(
      to: stored, profile: Profile(dialect: .keras3, layout: .archive), replacing: true)
    let script = """
      import sys, zipfile
      source = zipfile.ZipFile(sys.argv[1])
      with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
          target.writestr(name, source.read(name))
      data = bytearray(open(sys.argv[2], "rb").read())
      entry = data.rindex(b"PK\\x01\\x02")
      \(damage)
      open(sys.argv[2], "wb").write(data)
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, stored, deflated]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return deflated
  }

  @Test("a deflated archive reads as the stored one does: whole, and by rows in any order")
  func reading() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try makeCheckpoint()
    let path = try makeArchive(in: folder, of: checkpoint)
    let reader = try CheckpointReader(opening: path)
    let loaded = try reader.load()
    #expect(loaded.variables.count == 4)
    for (variable, original) in zip(loaded.variables, checkpoint.variables) {
      #expect(variable.name == original.name)
      #expect(variable.value.isIdentical(to: original.value))
    }
    let kernel = try #require(reader.manifest.entry(named: "dense/kernel"))
    #expect(kernel.byteOffset == nil)
    let elements = checkpoint.variables[0].value.elements(of: Float.self)
    for row in [699, 0, 350, 349, 10, 698] {
      let part = try reader.read(kernel, rows: row..<row + 1)
      #expect(part.elements(of: Float.self) == Array(elements[row * 1500..<(row + 1) * 1500]))
    }
  }

  @Test(
    "a deflated archive that is damaged, or lies about itself, is refused by one error",
    arguments: [
      // Offsets of APPNOTE 4.3.12: CRC-32 at 16, compressed size at 20, size at 24.
      ("data[entry + 16] ^= 1", "its checksum is wrong"),
      ("data[entry + 24] += 1", "its compressed data are not those of"),
      ("data[entry + 24] -= 1", "its compressed data are not those of"),
      ("data[entry + 27] = 0x7f", "its compressed data are not those of"),
      ("data[entry + 21] -= 1", "its compressed data are not those of"),
      ("data[entry // 2:entry // 2 + 64] = bytes(range(64))", "its "),
    ])
  func damage(change: String, problem: String) throws {
    let folder = try TemporaryDirectory()
    let path = try makeArchive(in: folder, of: makeCheckpoint(), damage: change)
    let error = #expect(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect(error?.kind == .unreadable)
    #expect(error?.object == "model.weights.h5")
    #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    #expect(error.map { "\($0)".contains("\n") } == false)
  }

  @Test("the configuration can be restored into a deflated archive, its tensors cannot")
  func restoring() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try makeCheckpoint()
    let target = try CheckpointReader(opening: makeArchive(in: folder, of: checkpoint))
    let source = try CheckpointReader(opening: folder.file("stored.keras"))
    let plan = RestorePlan(source: source.manifest, target: target.manifest)
    let error = #expect(throws: CheckpointError.self) {
      try source.restore(plan, into: target, writing: folder.file("out.keras"))
    }
    #expect(error?.kind == .unsupported)
    #expect(!FileManager.default.fileExists(atPath: folder.file("out.keras")))
  }
}
