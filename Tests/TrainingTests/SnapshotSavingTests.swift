import Dispatch
import Foundation
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing
import Training

@testable import Checkpoints

@Suite("A snapshot of a checkpoint")
struct SnapshotSavingTests {
  private static let profiles = [
    Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras3, layout: .weights),
    Profile(dialect: .keras3, layout: .archive),
  ]
  private static let rowByteCount = 4 * 700

  /// One kernel of several blocks that have digests, and small tensors.
  private func checkpoint() throws -> Checkpoint {
    let model = try Model.sequential(
      inputShape: [900], [.dense(.init(units: 700)), .dense(.init(units: 3))])
    return Checkpoint(model: model.configuration, variables: model.initialVariables(seed: 1))
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  /// Rows of a tensor that the test updates as an optimizer does, from a thread of its own.
  private struct Updates: @unchecked Sendable {
    let storage: Tensors.TensorStorage
    let snapshots: [PreImages]

    func run(_ rows: some Sequence<Int>) {
      for row in rows {
        withUnsafePointer(to: row) { row in
          for snapshot in snapshots {
            snapshot.preserve(
              rows: .init(start: row, count: 1), byteCount: SnapshotSavingTests.rowByteCount)
          }
        }
        (storage.base + row * SnapshotSavingTests.rowByteCount)
          .initializeMemory(as: UInt8.self, repeating: 77, count: SnapshotSavingTests.rowByteCount)
      }
    }
  }

  @Test(
    "is written as the checkpoint was, while rows of its largest tensor change",
    arguments: profiles, [false, true])
  func writtenAsItWas(profile: Profile, isGivenUp: Bool) throws {
    let folder = try TemporaryDirectory()
    let suffix = profile.layout.fileSuffix
    var checkpoint = try checkpoint()
    try checkpoint.save(to: folder.file("before\(suffix)"), profile: profile)
    let snapshot = checkpoint.snapshot()
    let (storage, snapshots) = checkpoint.variables[0].value.storageForRowUpdate()
    let updates = Updates(storage: storage, snapshots: snapshots)
    updates.run([0, 1, 500])
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) { updates.run((0..<900).reversed()) }
    let path = folder.file("snapshot\(suffix)")
    var plan = try FilePlan(of: snapshot, profile: profile, path: path)
    plan.digests = .crc32c
    if isGivenUp { plan.giveUpSnapshots() }
    try plan.write(to: path, replacing: false, threadCount: 2)
    group.wait()
    #expect(try bytes(path) == bytes(folder.file("before\(suffix)")))
    let kept = snapshot.variables[0].value.storageForReading.keptByteCount
    #expect(isGivenUp ? kept == 0 : kept > 0)
    try checkpoint.save(to: folder.file("after\(suffix)"), profile: profile)
    #expect(try bytes(path) != bytes(folder.file("after\(suffix)")))
  }

  @Test("can be written twice, whatever the places of its tensors in the file", arguments: profiles)
  func writtenTwice(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let model = try Model.sequential(
      inputShape: [64], [.dense(.init(units: 512)), .dense(.init(units: 10))])
    let trainer = Trainer(model: model, loss: LossConfiguration(.meanSquaredError))
    let state = try TrainingState(model: model, optimizer: try Optimizer(Adagrad()), seed: 1)
    let checkpoint = try state.checkpoint(trainer)
    let snapshot = checkpoint.snapshot()
    let suffix = profile.layout.fileSuffix
    try checkpoint.save(to: folder.file("plain\(suffix)"), profile: profile)
    for name in ["a", "b"] {
      try snapshot.save(to: folder.file("\(name)\(suffix)"), profile: profile)
      #expect(try bytes(folder.file("\(name)\(suffix)")) == bytes(folder.file("plain\(suffix)")))
    }
  }
}
