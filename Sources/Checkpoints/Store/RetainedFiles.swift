import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The files of a store that its retention may delete: those that the store wrote itself, and those in
/// which an earlier store of the folder left its record.
final class RetainedFiles: Sendable {
  private let retention: Retention
  private let files: Locked<[Int: File]>

  private struct File {
    let saved: CheckpointStore.Saved
    let record: StoreRecord
  }

  /// Reads the records of the files in the folder, unless nothing is ever deleted. A file that cannot be
  /// read, or has no record of its own step, does not count as the store's.
  init(in folder: String, retention: Retention) throws(CheckpointError) {
    self.retention = retention
    var files: [Int: File] = [:]
    if retention.newest != nil {
      for saved in try CheckpointStore.saved(in: folder) {
        guard let record = Self.record(in: saved) else { continue }
        files[saved.step] = File(saved: saved, record: record)
      }
    }
    self.files = Locked(files)
  }

  /// Takes note of a checkpoint that is durable, and removes those that need not stay beside it; returns
  /// them.
  ///
  /// What is newer by its step than the checkpoint just saved is left alone, and does not count: it is of a
  /// run that went on from an older one, perhaps because the newer was damaged.
  ///
  /// - Throws: `unwritable` when one cannot be removed.
  func add(
    _ saved: CheckpointStore.Saved, _ record: StoreRecord
  ) throws(CheckpointError) -> [CheckpointStore.Saved] {
    guard retention.newest != nil else { return [] }
    let expendable = files.withLock { files in
      files[saved.step] = File(saved: saved, record: record)
      let present = files.filter { $0.key <= saved.step }
      return retention.expendable(present.mapValues(\.record.metrics))
        .compactMap { files.removeValue(forKey: $0)?.saved }
    }
    for file in expendable { try Self.remove(file.path) }
    return expendable
  }

  private static func record(in saved: CheckpointStore.Saved) -> StoreRecord? {
    guard let reader = try? CheckpointReader(opening: saved.path),
      let record = reader.manifest.storeRecord, record.step == saved.step
    else { return nil }
    return record
  }

  /// Removes a checkpoint whole: at no moment is there one that lacks a part.
  private static func remove(_ path: String) throws(CheckpointError) {
    do throws(SystemCallError) {
      switch FolderTree.kind(of: path) {
      case nil: return
      case .folder:
        let aside = PendingFile.temporaryPath(for: path)
        try FileSystem.replace(aside, with: path)
        FolderTree.remove(aside)
      default:
        let shards = PendingShards.names(ofMap: path)
        try FileSystem.remove(path)
        for shard in shards { try FileSystem.remove(shard) }
      }
    } catch {
      throw CheckpointError(
        .unwritable, "cannot remove", path: path, problem: error.description, cure: error.cure,
        cause: error)
    }
  }
}
