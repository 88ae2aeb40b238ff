import Dispatch
public import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of checkpoints of one run, one file a saved step (`step-000000001234.h5`), owned for writing.
///
/// Saves happen behind the caller's back and are durable when they are reported:
///
/// ```swift
/// let store = try CheckpointStore(
///   opening: "run", profile: Profile(dialect: .keras2, layout: .wholeModel),
///   retention: Retention(newest: 3, best: .init("val_loss")))
/// try store.save(checkpoint, step: 100)     // returns at once; throws what an earlier save met
/// try store.finish()                        // waits; throws what the last save met
/// ```
///
/// - One save is in flight at most; what a second one does meanwhile is the caller's choice.
/// - A snapshot shares its tensors with the training until it is changed there, and is let go as soon as
///   its bytes are written, before they are made durable.
/// - An error of a save behind the caller's back is thrown once, by the next ``save(_:step:metrics:whenBusy:)``
///   or ``finish()``.
/// - A second writer in the folder, in this process or another, on this machine or another, is refused
///   (see ``CheckpointError/Kind/inUse``). The folder is given back when the store goes. Nothing
///   depends on locks of files, which some file systems do not have.
///
/// A store that goes while a save is in flight waits for it. If that save fails, and the store has no event
/// handler that would have been told, the process traps: an error is never lost.
///
/// A class because it owns a folder and a thread. It may be used from several threads.
public final class CheckpointStore: Sendable {
  public let folder: String
  /// In which layout, and for which Keras, the files are written.
  public let profile: Profile
  public let retention: Retention
  /// Bytes of tensors that a snapshot may hold beside the training's own.
  public let memoryLimit: Int?
  /// In a layout of several files, the bytes of variables in each; a larger variable gets a file of its own.
  public let maximumShardByteCount: Int

  private let writer: StoreWriter

  /// What happens in a store, on its own thread.
  public enum Event: Sendable {
    /// A save has begun.
    case began(Saved)
    /// The checkpoint exists, and survives a loss of power.
    case saved(Saved)
    /// The retention did not want it any more.
    case removed(Saved)
    /// A save failed; what stood under its name still does. The error is thrown to the caller as well.
    case failed(Saved, CheckpointError)
  }

  /// What a save does while another is in flight.
  public enum WhenBusy: Sendable, Hashable {
    /// It waits until the other is durable.
    case wait
    /// It does nothing.
    case skip
  }

  /// What a save did.
  public enum Outcome: Sendable, Hashable {
    case started
    /// Another was in flight.
    case skipped
  }

  /// Opens the folder for writing, creating it and those above it if need be, and removes what processes that died in mid-save
  /// left there.
  ///
  /// - Parameters:
  ///   - retention: which checkpoints stay; by default all do.
  ///   - memoryLimit: bytes of tensors that a snapshot may hold. A save of more waits until its bytes are
  ///     written, so that the training cannot take up as many again meanwhile.
  ///   - maximumShardByteCount: see the property of this name; 1 means a file for each variable.
  ///   - threadCount: how many threads write a file.
  ///   - digests: how the digests of the files are computed (<doc:Digests>); nil for none.
  ///   - onEvent: called on the store's own thread, or the threads of its callers, one at a time. It must
  ///     not call the store.
  /// - Throws: `unwritable` when the folder cannot be created or is none, `inUse` when another store, here
  ///   or elsewhere, writes in it.
  public init(
    opening folder: String, profile: Profile, retention: Retention = .everything,
    memoryLimit: Int? = nil, maximumShardByteCount: Int = 5 << 30, threadCount: Int = 2,
    digests: DigestAlgorithm? = .crc32c,
    onEvent: (@Sendable (Event) -> Void)? = nil
  ) throws(CheckpointError) {
    self.folder = folder
    self.profile = profile
    self.retention = retention
    self.memoryLimit = memoryLimit
    self.maximumShardByteCount = max(1, maximumShardByteCount)
    try Self.makeFolder(folder)
    let lease = try FolderLease(of: folder)
    PendingName.removeAbandoned(in: folder, isExclusive: true, where: Self.isOwnName)
    writer = StoreWriter(
      lease: lease, profile: profile, maximumShardByteCount: self.maximumShardByteCount,
      threadCount: threadCount, digests: digests,
      retained: try RetainedFiles(in: folder, retention: retention), onEvent: onEvent)
  }

  deinit { writer.end() }

  private static func makeFolder(_ folder: String) throws(CheckpointError) {
    guard FolderTree.kind(of: folder) == nil || FolderTree.kind(of: "\(folder)/.") == .folder else {
      throw CheckpointError(
        .unwritable, "cannot open", path: folder, problem: "expected a folder, found a file",
        cure: "choose another folder for checkpoints")
    }
    do {
      try FileSystem.makeDurableFolder(folder)
    } catch {
      throw CheckpointError.saving(folder, error)
    }
    guard access(folder, W_OK) == 0 else {
      throw CheckpointError.saving(folder, SystemCallError("access"))
    }
  }
}

// MARK: - Saving

extension CheckpointStore {
  /// Begins to save a checkpoint, and returns as soon as the store has the value: no bytes move, whatever
  /// its size. A checkpoint of the same step is replaced.
  ///
  /// - Parameters:
  ///   - metrics: values of this state by name, such as `val_loss`; written into the file, so that
  ///     ``Retention/best`` is known to those who open the folder later.
  ///   - whenBusy: what to do while another save is in flight.
  /// - Throws: what an earlier save met; then this one has not begun.
  @discardableResult
  public func save(
    _ checkpoint: Checkpoint, step: Int, metrics: [String: Double] = [:],
    whenBusy: WhenBusy = .wait
  ) throws(CheckpointError) -> Outcome {
    guard try writer.begin(waiting: whenBusy == .wait) else { return .skipped }
    let waits = memoryLimit.map { checkpoint.byteCount > $0 } ?? false
    writer.write(
      checkpoint, StoreRecord(step: step, metrics: metrics),
      to: Saved(step: step, path: path(ofStep: step)), waitingForBytes: waits)
    return .started
  }

  /// Waits until the save in flight is durable.
  ///
  /// - Throws: what it met.
  public func finish() throws(CheckpointError) { try writer.finish() }
}

extension Checkpoint {
  /// Bytes of all its tensors.
  public var byteCount: Int {
    variables.reduce(0) { $0 + $1.value.byteCount }
      + (optimizer?.slots.reduce(0) { $0 + $1.value.byteCount } ?? 0)
      + (resumption?.arrays.reduce(0) { $0 + $1.value.byteCount } ?? 0)
  }
}
