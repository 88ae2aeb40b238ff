import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension CheckpointReader {
  /// The checkpoints directly in a folder, told by their names: those of saved steps, the newest first, then
  /// any others by their times, the newest first. Nil when the path is no folder, or a checkpoint itself.
  ///
  /// - Throws: `unreadable`.
  public static func checkpoints(inFolder folder: String) throws(CheckpointError) -> [String]? {
    guard FolderTree.kind(of: "\(folder)/.") == .folder, !DirectoryLayout.isLaidOut(folder) else {
      return nil
    }
    let steps = try CheckpointStore.saved(in: folder).map(\.path)
    do {
      let others = try FolderTree.names(in: folder).map { "\(folder)/\($0)" }.filter {
        !steps.contains($0) && hasCheckpointName($0)
      }
      let all = steps + others.sorted { modificationTime(of: $0) > modificationTime(of: $1) }
      // The files of sharded weights belong to their map. One that cannot be read is found out later.
      let shards = Set(
        all.filter { $0.hasSuffix(Layout.sharded.fileSuffix) }.flatMap { map in
          ((try? ShardMap(reading: map))?.shards ?? []).map { "\(folder)/\($0)" }
        })
      return all.filter { !shards.contains($0) }
    } catch {
      throw CheckpointError.reading(folder, error)
    }
  }

  private static func hasCheckpointName(_ path: String) -> Bool {
    let suffixes = [Layout.wholeModel, .archive, .sharded].map(\.fileSuffix)
    return suffixes.contains(where: path.hasSuffix) || DirectoryLayout.isLaidOut(path)
  }

  /// Seconds and nanoseconds since 1970; the earliest time for a file that is gone by now.
  private static func modificationTime(of path: String) -> (Int, Int) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return (Int.min, 0) }
    #if canImport(Glibc)
      return (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    #else
      return (Int(status.st_mtimespec.tv_sec), Int(status.st_mtimespec.tv_nsec))
    #endif
  }
}
