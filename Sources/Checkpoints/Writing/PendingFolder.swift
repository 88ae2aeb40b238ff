#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder in the making, beside the one that it will become: ``PendingFile`` for layouts whose files
/// stand in a folder of their own.
struct PendingFolder: ~Copyable {
  /// Where the files are written, see ``PendingName``.
  let temporaryPath: String
  private let finalPath: String
  private var isCommitted = false

  /// Creates the folder under its temporary name.
  init(for path: String) throws(SystemCallError) {
    var final = Substring(path)
    while final.count > 1, final.last == "/" { final.removeLast() }
    finalPath = String(final)
    let temporaryPath = PendingFile.temporaryPath(for: finalPath)
    try FileSystem.makeFolder(temporaryPath)
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
    let parent = FileSystem.folder(of: finalPath)
    switch FolderTree.kind(of: finalPath) {
    case nil: try FileSystem.name(finalPath, folder: temporaryPath)
    case .folder where replacing && DirectoryLayout.isOnlyCheckpoint(finalPath):
      try FileSystem.exchange(temporaryPath, finalPath)
      // What stood there now has the temporary name. It goes when the exchange cannot be undone by a loss
      // of power any more.
      isCommitted = true
      try FileSystem.synchronizeFolder(parent)
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
    try FileSystem.synchronizeFolder(parent)
  }
}
