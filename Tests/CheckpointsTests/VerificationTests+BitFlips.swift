import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

extension VerificationTests {
  /// xorshift64, so that the flips are the same in every run.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  @Test("any one bit of a whole-model file, a thousand of them: each is found")
  func flips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let content = try bytes(path)
    var generator = Generator(state: 42)
    for _ in 0..<1000 {
      var damaged = content
      let offset = Int.random(in: 0..<content.count, using: &generator)
      damaged[offset] ^= 1 << Int.random(in: 0..<8, using: &generator)
      try damaged.write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "byte \(offset)")
    }
  }

  @Test("any one bit of an archive around its members: each is found")
  func archiveFlips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.keras")
    try checkpoint().save(to: path, profile: Self.profiles[4])
    let report = try CheckpointReader.verify(path)
    #expect(try item("archive", of: report).outcome == .intact)
    let members = try ZipArchive(reading: path).members.map(\.data)
    let content = try bytes(path)
    let around = content.indices.filter { index in !members.contains { $0.contains(index) } }
    #expect(around.count == (try item("archive", of: report).byteCount))
    for (count, index) in around.enumerated() where count % 3 == 0 {
      var damaged = content
      damaged[index] ^= 1 << (count % 8)
      try damaged.write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "byte \(index)")
    }
  }

  @Test("any one bit of the map of shards: each is found, or changes nothing that it says")
  func mapFlips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try checkpoint().save(to: path, profile: Self.profiles[6], maximumShardByteCount: 900)
    #expect(try item("map", of: CheckpointReader.verify(path)).outcome == .intact)
    let content = try bytes(path)
    for index in content.indices where index % 5 == 0 {
      var damaged = content
      damaged[index] ^= 1 << (index % 7)
      try damaged.write(to: URL(fileURLWithPath: path))
      guard let report = try? CheckpointReader.verify(path) else { continue }
      let isSpace = content[index] <= 0x20 && damaged[index] <= 0x20
      #expect(!report.isWhole || isSpace, "byte \(index)")
      #expect(try item("map", of: report).outcome != .intact, "byte \(index)")
    }
    // The same, spelled otherwise.
    let compact = String(decoding: content, as: UTF8.self).replacing("\n", with: "")
    try compact.write(toFile: path, atomically: false, encoding: .utf8)
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && report.isCovered)
    #expect(try item("map", of: report).outcome == .notCovered)
  }

  @Test(
    "an archive of Keras is compared with its own checksums",
    arguments: [
      "tf_keras-2.21/nested_twice", "tf_keras-2.21/resaved", "keras-3.15/unicode_names",
      "keras-3.15/mixed_precision",
    ])
  func archiveOfKeras(name: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.keras")
    try FileManager.default.copyItem(
      atPath: Fixture.path("matrix/\(name).keras"), toPath: path)
    let whole = try CheckpointReader.verify(path)
    #expect(whole.isWhole && !whole.isCovered)
    #expect(try item("archive", of: whole).outcome == .notCovered)
    let weights = try #require(ZipArchive(reading: path)["model.weights.h5"])
    for offset in [weights.data.upperBound - 1, weights.headerOffset + 14] {
      try flip(path, at: offset)
      let report = try CheckpointReader.verify(path)
      #expect(report.damaged.map(\.name) == ["archive"], "byte \(offset)")
      try flip(path, at: offset)
    }
  }
}
