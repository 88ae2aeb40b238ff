import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("verify walks through a file that has an outline") struct OutlineVerificationTests {
  private static let profile = Profile(dialect: .keras3, layout: .weights)

  private func save(_ profile: Profile = profile, in folder: borrowing TemporaryDirectory) throws
    -> String
  {
    let path = folder.file("x")
    let checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp_ema").wholeModel
    ).load()
    try checkpoint.save(to: path, profile: profile)
    return path
  }

  /// Gives a file another table, with a root of its own; as long as before.
  private func lie(
    _ path: String, _ change: (inout [DigestTable.Record], inout Outline) throws -> Void
  ) throws {
    let content = try FileContent(path, window: nil)
    let table = try #require(try DigestTable(of: content, path: path))
    var (records, outline) = (table.records, try #require(table.outline))
    try change(&records, &outline)
    let other = DigestTable(
      algorithm: table.algorithm, contentByteCount: table.contentByteCount, offset: table.offset,
      records: records, digests: table.digests, outline: outline)
    try #require(other.byteCount == table.byteCount && other.root != table.root)
    try other.write(to: path, contentAt: 0)
  }

  /// Gives the first matrix another dtype and shape.
  private func lieOfMatrix(
    _ outline: inout Outline, _ change: (Outline.Dataset) -> (DType, Shape)
  ) throws {
    var datasets = outline.datasets
    let index = try #require(
      datasets.firstIndex {
        $0.shape.rank == 2 && $0.shape.dimensions[0] != $0.shape.dimensions[1]
      })
    let (dtype, shape) = change(datasets[index])
    datasets[index] = Outline.Dataset(dtype: dtype, shape: shape)
    outline = Outline(
      structure: outline.structure, datasets: datasets, emptyGroups: outline.emptyGroups)
  }

  /// Fails unless the table of digests, and nothing else, is damaged, in these words.
  private func expectLie(
    _ path: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let report = try CheckpointReader.verify(path)
    #expect(!report.isWhole, sourceLocation: sourceLocation)
    #expect(report.damaged.map(\.subject) == [.digests], sourceLocation: sourceLocation)
    guard case .damaged(let reason, _) = report.damaged.first?.outcome else { return }
    #expect(reason.contains(words), "\(reason)", sourceLocation: sourceLocation)
  }

  @Test("and finds nothing where the outline is true", arguments: OutlineTests.profiles)
  func truth(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x")
    var checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp_ema").wholeModel
    ).load()
    if profile.layout == .legacyWeights { checkpoint.optimizer = nil }
    checkpoint.resumption = ResumptionRecord(
      json: ["epoch": 3],
      arrays: [
        ("half", Tensor([1.0, 2]).converted(to: .bfloat16)), ("flags", Tensor([true, false])),
        ("none", Tensor([Double]())),
      ])
    try checkpoint.save(to: path, profile: profile)
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && report.isCovered, "\(report.damaged)")
  }

  @Test("and finds a shape that lies")
  func shape() throws {
    let folder = try TemporaryDirectory()
    let path = try save(in: folder)
    try lie(path) { _, outline in
      try lieOfMatrix(&outline) { ($0.dtype, Shape(Array($0.shape.dimensions.reversed()))) }
    }
    try expectLie(path, "float32 of shape")
  }

  @Test("and finds a dtype that lies")
  func dtype() throws {
    let folder = try TemporaryDirectory()
    let path = try save(in: folder)
    try lie(path) { _, outline in
      try lieOfMatrix(&outline) { (.int32, $0.shape) }
    }
    try expectLie(path, "as int32 of shape")
  }

  @Test("and finds two tensors in each other's place")
  func places() throws {
    let folder = try TemporaryDirectory()
    let path = try save(in: folder)
    try lie(path) { records, outline in
      // Weight and slot have one size.
      let index = records.indices.first { index in
        records[index].byteCount > 8
          && records[index...].dropFirst().contains { $0.byteCount == records[index].byteCount }
      }!
      let other = records[(index + 1)...].firstIndex {
        $0.byteCount == records[index].byteCount
      }!
      (records[index].offset, records[other].offset) = (
        records[other].offset, records[index].offset
      )
    }
    let report = try CheckpointReader.verify(path)
    #expect(report.damaged.contains { $0.subject == .digests })
  }

  @Test("and finds names that lie, of datasets and of groups without any")
  func names() throws {
    let folder = try TemporaryDirectory()
    let path = try save(in: folder)
    try lie(path) { records, _ in
      let index = records.firstIndex { $0.name.hasSuffix("/vars/0") }!
      let record = records[index]
      records[index] = DigestTable.Record(
        kind: record.kind, name: "\(record.name.dropLast())7", offset: record.offset,
        byteCount: record.byteCount, firstDigest: record.firstDigest)
    }
    let report = try CheckpointReader.verify(path)
    let digests = try #require(report.damaged.first { $0.subject == .digests })
    #expect("\(digests.outcome)".contains("/vars/0, which is in the file"))

    let other = folder.file("other")
    try CheckpointReader(opening: KerasFixture("keras-2.12/mlp_ema").wholeModel).load()
      .save(to: other, profile: Self.profile)
    var renamed: String?
    try lie(other) { _, outline in
      guard let group = outline.emptyGroups.first else { return }
      renamed = "\(group.dropLast())~"
      outline = Outline(
        structure: outline.structure, datasets: outline.datasets,
        emptyGroups: ["\(group.dropLast())~"] + outline.emptyGroups.dropFirst())
    }
    try #require(renamed != nil)
    try expectLie(other, "which is")
  }

  @Test("and leaves an outline of another structure alone, as readers do")
  func notInForce() throws {
    let folder = try TemporaryDirectory()
    let path = try save(in: folder)
    try lie(path) { _, outline in
      try lieOfMatrix(&outline) { (.int32, $0.shape) }
      outline.structure = [1, 2, 3, 4]
    }
    #expect(try CheckpointReader.verify(path).isWhole)
  }
}
