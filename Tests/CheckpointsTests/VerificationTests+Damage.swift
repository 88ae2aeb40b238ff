import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

extension VerificationTests {
  @Test("a byte of a tensor: this tensor, this block, and no other", arguments: profiles)
  func tensor(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    try checkpoint().reduced(to: profile).checkpoint
      .save(to: path, profile: profile, maximumShardByteCount: 900)
    for name in try CheckpointReader.verify(path).tensors.map(\.name) {
      let item = try item(name, of: CheckpointReader.verify(path))
      guard item.byteCount > 0 else { continue }
      let offset = try #require(item.fileOffset) + item.byteCount - 1
      try flip(item.file, at: offset)
      try expectDamage(path, [name])
      try flip(item.file, at: offset)
    }
    #expect(try CheckpointReader.verify(path).isWhole)
  }

  @Test("a block in the middle and the short one at the end are told by number and range")
  func blocks() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try largeCheckpoint().save(to: path, profile: Self.whole)
    let kernel = try item("dense/kernel", of: CheckpointReader.verify(path))
    let start = try #require(kernel.fileOffset)
    for offset in [1 << 20, (2 << 20) - 1, (2 << 20) + 5] { try flip(path, at: start + offset) }
    let found = try item("dense/kernel", of: CheckpointReader.verify(path))
    guard case .damaged(_, let blocks) = found.outcome else {
      Issue.record("not found")
      return
    }
    #expect(blocks.map(\.block) == [1, 2])
    #expect(blocks.map(\.bytes) == [1 << 20..<2 << 20, 2 << 20..<768 * 768 * 4])
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path).load()
    }
    #expect("\(error)".contains("dense/kernel"))
    #expect("\(error)".contains("block 1 (bytes 1048576..<2097152)"))
    #expect("\(error)".contains("--no-verify"))
    // Other ways to read a whole tensor notice it, too.
    let reader = try CheckpointReader(opening: path)
    let entry = try #require(reader.manifest.entry(named: "dense/kernel"))
    #expect(throws: CheckpointError.self) { _ = try reader.sha256(of: entry) }
    #expect(throws: CheckpointError.self) {
      try reader.export(to: folder.file("x.npz"), format: .npz)
    }
    #expect(throws: CheckpointError.self) {
      _ = try CheckpointDiff(reader, CheckpointReader(opening: path))
    }
    // And what is asked for as it is, is given as it is.
    let unverified = try CheckpointReader(opening: path, verifying: false).load()
    #expect(unverified.variables[1].value.isIdentical(to: Tensor(repeating: 0.25, shape: [768])))
    // A sound tensor is read from a damaged file.
    let bias = try #require(reader.manifest.entry(named: "dense/bias"))
    _ = try reader.read(bias)
    #expect(try CheckpointReader.verify(path, only: [try #require(Glob("*bias"))]).isWhole)
  }

  @Test(
    "rows read alone are compared with the blocks that they touch, and with no other",
    arguments: [profiles[0], profiles[4], profiles[6]])
  func rows(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    let saved = try largeCheckpoint()
    try saved.save(to: path, profile: profile)
    // A row takes 3 KiB: row 341 lies across the end of block 0.
    let kernel = try item("dense/kernel", of: CheckpointReader.verify(path))
    try flip(kernel.file, at: try #require(kernel.fileOffset) + 1 << 20)
    let reader = try CheckpointReader(opening: path)
    let entry = try #require(reader.manifest.entries.first { $0.name == "dense/kernel" })
    for rows in [0..<341, 10..<11, 700..<768, 0..<0] {
      let tensor = try reader.read(entry, rows: rows)
      #expect(tensor.shape == [rows.count, 768])
      #expect(tensor.elements(of: Float.self).allSatisfy { $0 == 0.5 })
    }
    for rows in [341..<342, 500..<501, 0..<768, 682..<683] {
      let error = #expect(throws: CheckpointError.self) { _ = try reader.read(entry, rows: rows) }
      #expect(error?.kind == .damaged)
      #expect("\(error!)".contains("dense/kernel: block 1 (bytes 1048576..<2097152)"), "\(error!)")
    }
    let unverified = try CheckpointReader(opening: path, verifying: false)
    #expect(try unverified.read(entry, rows: 341..<342).shape == [1, 768])
    #expect(throws: CheckpointError.self) { _ = try reader.read(entry, rows: 700..<769) }
  }

  @Test("names, shapes, attributes, texts: a damaged structure is found before libhdf5 sees it")
  func structure() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let content = try bytes(path)
    func position(of pattern: Data) throws -> Int {
      try #require(content.range(of: pattern)?.lowerBound)
    }
    let extents = withUnsafeBytes(of: (UInt64(12).littleEndian, UInt64(5).littleEndian)) {
      Data($0)
    }
    let places = [
      0, 8, try position(of: Data("\"units\": 12".utf8)) + 9, try position(of: extents),
      try position(of: Data("model_weights".utf8)), try position(of: Data("resumption".utf8)),
      try position(of: Data("kernel:0".utf8)),
    ]
    for place in places {
      try flip(path, at: place, bit: 0)
      try expectDamage(path, ["structure"])
      try flip(path, at: place, bit: 0)
    }
  }

  @Test("the table of digests and the mark that leads to it")
  func table() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let table = try item("digests", of: CheckpointReader.verify(path))
    let start = try #require(table.fileOffset)
    for offset in [0, 8, 12, 70, 100, table.byteCount - 1] {
      try flip(path, at: start + offset)
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true)
      #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
      try flip(path, at: start + offset)
    }
    let end = try bytes(path).count
    for offset in [1, 12, 32] {
      try flip(path, at: end - offset)
      let report = try CheckpointReader.verify(path)
      #expect(report.damaged.map(\.name) == ["digests"])
      #expect(report.tensors.allSatisfy { $0.outcome == .intact || $0.name.hasPrefix("/cairn") })
      try flip(path, at: end - offset)
    }
  }

  @Test(
    "a document beside the tensors",
    arguments: [Layout.archive, .directory], ["config.json", "metadata.json"])
  func documents(layout: Layout, name: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(layout.fileSuffix)")
    try checkpoint().save(to: path, profile: Profile(dialect: .keras3, layout: layout))
    let file = layout == .directory ? "\(path)/\(name)" : path
    let text = Data((name == "config.json" ? "Sequential" : "3.15").utf8)
    let place = try #require(bytes(file).range(of: text, options: .backwards)?.lowerBound)
    try flip(file, at: place, bit: 0)
    let report = try CheckpointReader.verify(path)
    #expect(report.damaged.map(\.name) == [name])
    #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
    if layout == .directory {
      try FileManager.default.removeItem(atPath: file)
      #expect(try CheckpointReader.verify(path).damaged.map(\.name) == [name])
    }
  }

  @Test("a file cut short anywhere", arguments: [whole, profiles[4]])
  func truncated(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x")
    try checkpoint().save(to: path, profile: profile)
    let content = try bytes(path)
    let cuts = [1, 31, 32, 33, 64, 500, content.count / 2, content.count - 600, content.count - 1]
    for cut in cuts {
      try content.dropLast(cut).write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "\(cut) bytes")
    }
  }
}
