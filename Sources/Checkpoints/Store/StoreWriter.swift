import Dispatch
import KerasConfiguration
import Tensors

/// The part of a ``CheckpointStore`` that works behind its caller's back.
///
/// A class because the store and its thread share it.
final class StoreWriter: Sendable {
  private let lease: FolderLease
  private let profile: Profile
  private let maximumShardByteCount: Int
  private let threadCount: Int
  private let digests: DigestAlgorithm?
  private let retained: RetainedFiles
  private let onEvent: (@Sendable (CheckpointStore.Event) -> Void)?

  private let skeleton = KeptSkeleton()
  private let thread = DispatchQueue(label: "CheckpointStore")
  /// Held from the moment that a save is accepted until it is durable or has failed.
  private let turn = DispatchSemaphore(value: 1)
  /// What the last save met, until somebody is told.
  private let failure = Locked<CheckpointError?>(nil)

  init(
    lease: FolderLease, profile: Profile, maximumShardByteCount: Int, threadCount: Int,
    digests: DigestAlgorithm?, retained: RetainedFiles,
    onEvent: (@Sendable (CheckpointStore.Event) -> Void)?
  ) {
    self.lease = lease
    self.profile = profile
    self.maximumShardByteCount = maximumShardByteCount
    self.threadCount = threadCount
    self.digests = digests
    self.retained = retained
    self.onEvent = onEvent
  }

  /// Takes the turn; false when another has it and `waiting` is false.
  func begin(waiting: Bool) throws(CheckpointError) -> Bool {
    if waiting {
      turn.wait()
    } else if turn.wait(timeout: .now()) == .timedOut {
      return false
    }
    if let failure = takeFailure() {
      turn.signal()
      throw failure
    }
    return true
  }

  /// Writes on the thread, and gives the turn back at the end.
  func write(
    _ checkpoint: Checkpoint, _ record: StoreRecord, to saved: CheckpointStore.Saved,
    waitingForBytes waits: Bool
  ) {
    let snapshot = Snapshot(checkpoint.snapshot())
    thread.async { [self] in
      do throws(CheckpointError) {
        onEvent?(.began(saved))
        try write(snapshot, record, to: saved)
        onEvent?(.saved(saved))
        for removed in try retained.add(saved, record) { onEvent?(.removed(removed)) }
      } catch {
        failure.withLock { $0 = error }
        onEvent?(.failed(saved, error))
      }
      snapshot.letGo()
      turn.signal()
    }
    if waits { snapshot.waitUntilGone() }
  }

  private func write(
    _ snapshot: Snapshot, _ record: StoreRecord, to saved: CheckpointStore.Saved
  ) throws(CheckpointError) {
    let pending = try stage(snapshot, record, to: saved)
    snapshot.letGo()
    try lease.check()
    try pending.commit(replacing: true)
  }

  /// A function of its own, so that no local value keeps the tensors when it returns.
  private func stage(
    _ snapshot: Snapshot, _ record: StoreRecord, to saved: CheckpointStore.Saved
  ) throws(CheckpointError) -> PendingCheckpoint {
    var plan = try FilePlan(of: snapshot.content(), profile: profile, path: saved.path)
    plan.digests = digests
    plan.limitShards(to: maximumShardByteCount)
    plan.addStoreRecord(record)
    plan.giveUpSnapshots()
    return try PendingCheckpoint(
      writing: plan, for: saved.path, replacing: true, threadCount: threadCount,
      reusing: skeleton)
  }

  /// Waits for the save in flight, and throws what it met.
  func finish() throws(CheckpointError) {
    turn.wait()
    defer { turn.signal() }
    if let failure = takeFailure() { throw failure }
  }

  /// Waits for the save in flight, and gives the folder back; what the save met must have been told to
  /// somebody.
  func end() {
    turn.wait()
    defer { turn.signal() }
    lease.release()
    if let failure = takeFailure(), onEvent == nil {
      preconditionFailure("a CheckpointStore went before anybody asked it to finish: \(failure)")
    }
  }

  private func takeFailure() -> CheckpointError? {
    failure.withLock { failure in
      defer { failure = nil }
      return failure
    }
  }
}

/// A checkpoint until its bytes are written.
///
/// A class because two threads hold it, and neither may keep the tensors alive by that.
private final class Snapshot: Sendable {
  private let checkpoint: Locked<Checkpoint?>
  private let gone = DispatchSemaphore(value: 0)

  init(_ checkpoint: Checkpoint) { self.checkpoint = Locked(checkpoint) }

  /// Traps when it has been let go.
  func content() -> Checkpoint { checkpoint.withLock { $0! } }

  func letGo() {
    let wasHeld = checkpoint.withLock { checkpoint in
      defer { checkpoint = nil }
      return checkpoint != nil
    }
    if wasHeld { gone.signal() }
  }

  func waitUntilGone() { gone.wait() }
}
