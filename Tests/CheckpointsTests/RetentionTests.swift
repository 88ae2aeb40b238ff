import Foundation
import KerasConfiguration
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Retention")
struct RetentionTests {
  private func kept(_ retention: Retention, _ losses: [Int: Double?]) -> [Int] {
    let saved = losses.mapValues { $0.map { ["val_loss": $0] } ?? [:] }
    return Set(losses.keys).subtracting(retention.expendable(saved)).sorted()
  }

  @Test("keeps everything, the newest, the best, and multiples")
  func rules() {
    let losses: [Int: Double?] = [10: 0.5, 15: nil, 20: 0.2, 30: 0.4, 40: 0.2, 45: .nan, 50: 0.9]
    let all = [10, 15, 20, 30, 40, 45, 50]
    #expect(kept(.everything, losses) == all)
    #expect(kept(Retention(newest: nil, best: .init("val_loss")), losses) == all)
    #expect(kept(Retention(newest: 2), losses) == [45, 50])
    #expect(kept(Retention(newest: 99), losses) == all)
    // Of two equal ones the first is the best.
    #expect(kept(Retention(newest: 1, best: .init("val_loss")), losses) == [20, 50])
    #expect(
      kept(Retention(newest: 1, best: .init("val_loss", count: 3)), losses) == [20, 30, 40, 50])
    #expect(
      kept(Retention(newest: 1, best: .init("val_loss", direction: .higher)), losses) == [50])
    // A value that is no number is never the best, nor is one that nobody knows.
    #expect(
      kept(Retention(newest: 1, best: .init("val_loss", count: 9)), losses)
        == [10, 20, 30, 40, 50])
    #expect(kept(Retention(newest: 1, everySteps: 15), losses) == [15, 30, 45, 50])
    #expect(kept(Retention(newest: 1, best: .init("accuracy")), losses) == [50])
  }

  @Test("accuracies are better the higher, losses the lower")
  func directions() {
    for name in ["val_accuracy", "accuracy", "sparse_categorical_accuracy", "auc", "acc"] {
      #expect(Retention.Best(name).direction == .higher, "\(name)")
    }
    for name in ["loss", "val_loss", "mean_absolute_error"] {
      #expect(Retention.Best(name).direction == .lower, "\(name)")
    }
  }

  @Test("what is deleted is deleted after the newer one is durable")
  func order() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    let log = StoreLog()
    let store = try StoreSample.store(folder.path, retention: Retention(newest: 2), log: log)
    for step in 1...3 { try store.save(checkpoint, step: step) }
    try store.finish()
    #expect(log.text.suffix(3) == ["began 3", "saved 3", "removed 1"])
    #expect(try StoreSample.steps(folder.path) == [2, 3])
  }

  @Test("a failed save deletes nothing")
  func failedSave() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    let store = try StoreSample.store(
      folder.path, retention: Retention(newest: 1), log: StoreLog())
    try store.save(checkpoint, step: 1)
    try FileManager.default.createDirectory(
      atPath: "\(store.path(ofStep: 2))/x", withIntermediateDirectories: true)
    try store.save(checkpoint, step: 2)
    #expect(throws: CheckpointError.self) { try store.finish() }
    #expect(try StoreSample.steps(folder.path) == [1, 2])
    _ = try CheckpointReader(opening: store.path(ofStep: 1))
  }

  @Test("the best survives a store that is opened anew, since the files hold the metric")
  func reopened() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    let retention = Retention(newest: 1, best: .init("val_loss"))
    for (step, loss) in [(1, 0.3), (2, 0.1), (3, 0.2), (4, 0.4)] {
      let store = try CheckpointStore(
        opening: folder.path, profile: StoreSample.profile, retention: retention)
      try store.save(checkpoint, step: step, metrics: ["val_loss": loss])
      try store.finish()
    }
    #expect(try StoreSample.steps(folder.path) == [2, 4])
    let reader = try CheckpointReader(opening: "\(folder.path)/step-000000000002.h5")
    #expect(reader.manifest.storeRecord == StoreRecord(step: 2, metrics: ["val_loss": 0.1]))
  }

  @Test("what the store did not write is never deleted, nor what is damaged or newer")
  func foreign() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try StoreSample.checkpoint()
    // Of Keras, of Cairn by another way, a copy under the name of another step, and no checkpoint at all.
    try FileManager.default.copyItem(
      atPath: KerasFixture("keras-2.12/mlp").wholeModel, toPath: folder.file("step-000000000001.h5")
    )
    try checkpoint.save(to: folder.file("step-000000000002.h5"), profile: StoreSample.profile)
    try "notes".write(
      toFile: folder.file("step-000000000003.h5"), atomically: false, encoding: .utf8)
    try "notes".write(toFile: folder.file("notes.txt"), atomically: false, encoding: .utf8)
    do {
      let store = try CheckpointStore(opening: folder.path, profile: StoreSample.profile)
      for step in [4, 90] { try store.save(checkpoint, step: step) }
      try store.finish()
    }
    try FileManager.default.copyItem(
      atPath: folder.file("step-000000000004.h5"), toPath: folder.file("step-000000000005.h5"))
    let store = try CheckpointStore(
      opening: folder.path, profile: StoreSample.profile, retention: Retention(newest: 1))
    // A run that went on from step 4, since 90 was not to be trusted.
    for step in [6, 7] { try store.save(checkpoint, step: step) }
    try store.finish()
    #expect(try StoreSample.steps(folder.path) == [1, 2, 3, 5, 7, 90])
    #expect(try folder.names().contains("notes.txt"))
  }
}
