import Foundation
import KerasConfiguration
import Synchronization
import TestSupport
import Testing

@testable import Checkpoints

/// What a store has reported so far, and a gate that can hold its thread where a save begins.
final class StoreLog: Sendable {
  private let lines = Mutex<[String]>([])
  private let gate: DispatchSemaphore?

  /// - Parameter holding: whether each save waits at its beginning until ``open()``.
  init(holding: Bool = false) { gate = holding ? DispatchSemaphore(value: 0) : nil }

  /// Lets one save go on.
  func open() { gate?.signal() }

  var text: [String] { lines.withLock { $0 } }

  func note(_ event: CheckpointStore.Event) {
    let line =
      switch event {
      case .began(let saved): "began \(saved.step)"
      case .saved(let saved): "saved \(saved.step)"
      case .removed(let saved): "removed \(saved.step)"
      case .failed(let saved, let error): "failed \(saved.step): \(error.kind)"
      }
    lines.withLock { $0.append(line) }
    if case .began = event { gate?.wait() }
  }
}

enum StoreSample {
  static let profile = Profile(dialect: .keras2, layout: .wholeModel)

  static func checkpoint() throws -> Checkpoint {
    try CheckpointReader(opening: KerasFixture("keras-2.12/mlp_ema").wholeModel).load()
  }

  /// A store whose events go to `log`.
  static func store(
    _ folder: String, profile: Profile = profile, retention: Retention = .everything,
    memoryLimit: Int? = nil, log: StoreLog
  ) throws -> CheckpointStore {
    try CheckpointStore(
      opening: folder, profile: profile, retention: retention, memoryLimit: memoryLimit,
      onEvent: { log.note($0) })
  }

  /// Steps of a folder, ascending.
  static func steps(_ folder: String) throws -> [Int] {
    try CheckpointStore.saved(in: folder).map(\.step).reversed()
  }
}
