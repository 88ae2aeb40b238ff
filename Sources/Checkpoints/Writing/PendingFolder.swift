import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder in the making, beside the one that it will become: ``PendingFile`` for layouts whose files
/// stand in a folder of their own.
struct PendingFolder: ~Copyable {
  /// Where the files are written: `NAME.tmp-<process>-<random>`.
  let temporaryPath: String
  private let finalPath: String
  private var isCommitted = false

  /// Creates the folder under its temporary name.
  init(for path: String) throws(SystemCallError) {
    var final = Substring(path)
    while final.count > 1, final.last == "/" { final.removeLast() }
    finalPath = String(final)
    let temporaryPath = PendingFile.temporaryPath(for: finalPath)
    try retryingInterrupted("mkdir") { mkdir(temporaryPath, 0o755) }
    self.temporaryPath = temporaryPath
  }

  deinit {
    if !isCommitted { FolderTree.remove(temporaryPath) }
  }

  /// The path of a file inside.
  func file(_ name: String) -> String { "\(temporaryPath)/\(name)" }

  func write(_ content: [UInt8], to name: String) throws(SystemCallError) {
    try FileCopy.create(file(name), content)
  }

  /// Makes everything inside durable, then gives the folder its final name in one step.
  ///
  /// - Parameter replacing: whether a checkpoint folder of the final name may be exchanged for this one,
  ///   in one step as well, and removed; otherwise the call fails with `EEXIST`. A folder of anything
  ///   else is never replaced.
  consuming func commit(replacing: Bool) throws {
    try FolderTree.synchronize(temporaryPath)
    let parent = PendingFile.folder(of: finalPath)
    switch FolderTree.kind(of: finalPath) {
    case nil:
      try Self.rename(temporaryPath, finalPath, .failIfExists)
    case .folder where replacing && DirectoryLayout.isOnlyCheckpoint(finalPath):
      try Self.rename(temporaryPath, finalPath, .exchange)
      // What stood there now has the temporary name.
      FolderTree.remove(temporaryPath)
    case .folder where replacing:
      throw CheckpointError(
        .outputExists, "cannot write", path: finalPath,
        problem: "expected a checkpoint's folder to replace, found one with other content",
        cure: "choose another name")
    default:
      throw SystemCallError("rename", code: EEXIST)
    }
    isCommitted = true
    try PendingFile.synchronize(parent, O_RDONLY | O_DIRECTORY)
  }

  private enum Existing { case failIfExists, exchange }

  private static func rename(
    _ from: String, _ to: String, _ existing: Existing
  ) throws(SystemCallError) {
    #if canImport(Glibc)
      // RENAME_NOREPLACE and RENAME_EXCHANGE of linux/fs.h.
      let flags: UInt32 = existing == .exchange ? 2 : 1
      try retryingInterrupted("renameat2") { renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) }
    #else
      let flags = UInt32(existing == .exchange ? RENAME_SWAP : RENAME_EXCL)
      try retryingInterrupted("renamex_np") { renamex_np(from, to, flags) }
    #endif
  }
}
