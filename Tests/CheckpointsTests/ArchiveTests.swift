import Checkpoints
import Foundation
import KerasConfiguration
import TestSupport
import Testing

@Suite("Archives") struct ArchiveTests {
  private let profile = Profile(dialect: .keras3, layout: .archive)

  private func makeArchive(in folder: borrowing TemporaryDirectory) throws -> String {
    let path = folder.file("model.keras")
    try CheckpointReader(opening: KerasFixture("keras-3.15/mlp_ema").wholeModel).load()
      .save(to: path, profile: profile)
    return path
  }

  @Test("HDF5's own tools open the archive itself, and zip's find nothing wrong with it")
  func tools() throws {
    let folder = try TemporaryDirectory()
    let path = try makeArchive(in: folder)
    for tool in [["h5dump", "-n", path], ["python3", "-m", "zipfile", "-t", path]] {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = tool
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(tool)")
    }
  }

  @Test("an archive that another program packed, weights at any offset, is read in place")
  func packedElsewhere() throws {
    let folder = try TemporaryDirectory()
    let path = try makeArchive(in: folder)
    let repacked = folder.file("repacked.keras")
    let script = """
      import sys, zipfile
      source = zipfile.ZipFile(sys.argv[1])
      with zipfile.ZipFile(sys.argv[2], "w") as target:
        for name in ("metadata.json", "config.json"):
          target.writestr(name, source.read(name), compress_type=zipfile.ZIP_DEFLATED)
        target.writestr("model.weights.h5", source.read("model.weights.h5"))
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script, path, repacked]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let diff = try CheckpointDiff(
      CheckpointReader(opening: path), CheckpointReader(opening: repacked))
    #expect(diff.isEmpty)
    #expect(diff.items.count == 22)
  }

  @Test("what is restored into an archive leaves it an archive with right checksums")
  func restoring() throws {
    let folder = try TemporaryDirectory()
    let target = try makeArchive(in: folder)
    let source = Fixture.path("keras-3.15/mlp.h5")
    let output = folder.file("restored.keras")
    let reader = try CheckpointReader(opening: source)
    let plan = try RestorePlan(
      source: reader.manifest, target: CheckpointReader(opening: target).manifest,
      only: Glob("accumulator/*"))
    try reader.restore(plan, into: CheckpointReader(opening: target), writing: output)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-m", "zipfile", "-t", output]
    let printed = Pipe()
    process.standardOutput = printed
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: printed.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(process.terminationStatus == 0 && !text.contains("CRC"), "\(text)")
    let changed = try CheckpointDiff(
      CheckpointReader(opening: target), CheckpointReader(opening: output)
    ).items.filter { $0.outcome.keyword != "equal" }.map(\.name)
    #expect(changed.count == 6 && changed.allSatisfy { $0.hasPrefix("accumulator/") })
  }

  @Test("an archive cut short anywhere, or with a damaged directory, is refused")
  func damage() throws {
    let folder = try TemporaryDirectory()
    let whole = try Data(contentsOf: URL(fileURLWithPath: makeArchive(in: folder)))
    let path = folder.file("damaged.keras")
    for share in 0..<20 {
      try whole.prefix(whole.count * share / 20).write(to: URL(fileURLWithPath: path))
      #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
    }
    // Every byte of the records behind the last member's data, one at a time.
    let end = try #require(whole.range(of: Data([0x50, 0x4b, 0x01, 0x02]))).lowerBound
    for index in end..<whole.count {
      var damaged = whole
      damaged[index] ^= 0xff
      try damaged.write(to: URL(fileURLWithPath: path))
      // Some bytes mean nothing (dates, attributes); no byte may crash the reader.
      _ = try? CheckpointReader(opening: path).manifest.entries.count
    }
  }

  @Test("a zip archive of something else is refused by what it lacks")
  func otherArchive() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("other.keras")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-m", "zipfile", "-c", path, Fixture.path("README.md")]
    try process.run()
    process.waitUntilExit()
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect(error.kind == .unrecognized)
    #expect("\(error)".contains("model.weights.h5"))
  }
}
