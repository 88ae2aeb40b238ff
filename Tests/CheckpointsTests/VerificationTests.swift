import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Verification") struct VerificationTests {
  static let profiles = [
    Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras2, layout: .weights),
    Profile(dialect: .tfKeras, layout: .weights), Profile(dialect: .keras2, layout: .legacyWeights),
    Profile(dialect: .keras3, layout: .archive), Profile(dialect: .keras3, layout: .directory),
    Profile(dialect: .keras3, layout: .sharded),
  ]

  /// A checkpoint with slots, averages and a record of its run.
  func checkpoint() throws -> Checkpoint {
    var checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp_ema").wholeModel
    ).load()
    checkpoint.resumption = ResumptionRecord(
      json: ["epoch": 3], arrays: [("history", Tensor([1.0, 2, 3]))])
    return checkpoint
  }

  /// One layer whose kernel takes 2.25 MiB.
  func largeCheckpoint() throws -> Checkpoint {
    let model = try ModelConfiguration(
      parsing: """
        {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
          {"class_name": "InputLayer",
           "config": {"batch_input_shape": [null, 768], "dtype": "float32", "name": "input"}},
          {"class_name": "Dense", "config": {"name": "dense", "units": 768, "use_bias": true,
            "activation": "linear", "dtype": "float32"}}]}}
        """, dialect: .keras2)
    return Checkpoint(
      model: model,
      variables: [
        Variable(
          id: VariableID(layer: ["dense"], index: 0), name: "dense/kernel",
          value: Tensor(repeating: 0.5, shape: [768, 768])),
        Variable(
          id: VariableID(layer: ["dense"], index: 1), name: "dense/bias",
          value: Tensor(repeating: 0.25, shape: [768])),
      ])
  }

  static let whole = profiles[0]

  func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  func change(_ path: String, _ change: (inout Data) throws -> Void) throws {
    var content = try bytes(path)
    try change(&content)
    try content.write(to: URL(fileURLWithPath: path))
  }

  /// Turns a bit of one byte.
  func flip(_ path: String, at offset: Int, bit: Int = 3) throws {
    try change(path) { $0[offset] ^= 1 << bit }
  }

  func item(_ name: String, of report: VerificationReport) throws -> VerificationReport.Item {
    try #require(report.items.first { $0.name == name })
  }

  /// Fails unless just these parts are damaged, and a load says so.
  func expectDamage(
    _ path: String, _ names: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let report = try CheckpointReader.verify(path)
    #expect(report.damaged.map(\.name) == names, sourceLocation: sourceLocation)
    let error = try #require(
      throws: CheckpointError.self, sourceLocation: sourceLocation
    ) {
      _ = try CheckpointReader(opening: path).load()
    }
    #expect(error.kind == .damaged, "\(error)", sourceLocation: sourceLocation)
    #expect(!"\(error)".contains("\n"), sourceLocation: sourceLocation)
  }

  // MARK: - Whole files

  @Test(
    "what is saved is covered and whole, in every layout, by either algorithm",
    arguments: profiles, DigestAlgorithm.allCases)
  func intact(profile: Profile, algorithm: DigestAlgorithm) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    let saved = try checkpoint().reduced(to: profile).checkpoint
    try saved.save(to: path, profile: profile, maximumShardByteCount: 900, digests: algorithm)
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && report.isCovered)
    #expect(report.algorithm == algorithm)
    let entries = try CheckpointReader(opening: path).manifest.entries
    let record = saved.resumption == nil ? [] : ["/cairn/resumption/history"]
    #expect(report.tensors.map(\.name) == entries.map(\.name) + record)
    #expect(report.roots.count == (profile.layout == .sharded ? 6 : 1))
    let documents = report.items.filter { $0.subject == .document }.map(\.name)
    let hasDocuments = [.archive, .directory].contains(profile.layout)
    let texts = saved.resumption == nil ? [] : ["/cairn/texts/resumption"]
    #expect(documents == texts + (hasDocuments ? ["metadata.json", "config.json"] : []))
    // Every tensor lies where the report says.
    for item in report.tensors {
      let entry = entries.first { $0.name == item.name }
      guard let entry, let offset = item.fileOffset, item.byteCount > 0 else { continue }
      let tensor = try CheckpointReader(opening: path).read(entry)
      let file = try bytes(item.file)[offset..<offset + item.byteCount]
      #expect(tensor.withUnsafeBytes { file.elementsEqual($0) })
    }
  }

  @Test("a checkpoint saved without digests is whole, and not covered")
  func without() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole, digests: nil)
    for path in [path, Fixture.path("keras-3.15/mlp.h5"), Fixture.path("exchange/x.npz")] {
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let report = try CheckpointReader.verify(path)
      #expect(report.isWhole && !report.isCovered && report.algorithm == nil)
      #expect(report.tensors.allSatisfy { $0.outcome == .notCovered })
    }
  }

  @Test("digests do not depend on the number of threads that write")
  func threads() throws {
    let folder = try TemporaryDirectory()
    for threads in [1, 4] {
      try largeCheckpoint().save(
        to: folder.file("\(threads).h5"), profile: Self.whole, threadCount: threads)
    }
    #expect(try bytes(folder.file("1.h5")) == bytes(folder.file("4.h5")))
    #expect(try CheckpointReader.verify(folder.file("1.h5"), threadCount: 3).isWhole)
  }

  // MARK: - Folders

  @Test("the checkpoints of a folder come newest first, shards with their map")
  func folders() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try checkpoint()
    for step in [5, 40] {
      try checkpoint.save(to: folder.file("step-\(step).h5"), profile: Self.whole)
    }
    let sharded = Profile(dialect: .keras3, layout: .sharded)
    try checkpoint.save(to: folder.file("x.weights.json"), profile: sharded)
    let directory = Profile(dialect: .keras3, layout: .directory)
    try checkpoint.save(to: folder.file("y"), profile: directory)
    try Data().write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    let found = try #require(try CheckpointReader.checkpoints(inFolder: folder.path))
    #expect(
      found == ["step-40.h5", "step-5.h5", "y", "x.weights.json"].map { folder.file($0) })
    #expect(try CheckpointReader.checkpoints(inFolder: folder.file("y")) == nil)
    #expect(try CheckpointReader.checkpoints(inFolder: folder.file("step-5.h5")) == nil)
  }
}
