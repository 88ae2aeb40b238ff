#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file in the making, beside the one that it will become.
///
/// It is written under a name of its own; ``commit(replacing:)`` gives it its final name in one step,
/// which is the only moment at which the checkpoint begins to exist. Without a commit it is removed,
/// and whatever stood under the final name stays as it was.
struct PendingFile: ~Copyable {
  /// Where the content is written, see ``PendingName``.
  let temporaryPath: String
  private let finalPath: String
  private var isCommitted = false

  /// Chooses a name; creates nothing yet.
  init(for finalPath: String) {
    self.finalPath = finalPath
    temporaryPath = Self.temporaryPath(for: finalPath)
  }

  static func temporaryPath(for finalPath: String) -> String {
    let pending = PendingName(for: FileSystem.name(of: finalPath))
    guard finalPath.utf8.contains(UInt8(ascii: "/")) else { return pending.text }
    let folder = FileSystem.folder(of: finalPath)
    return folder == "/" ? "/\(pending.text)" : "\(folder)/\(pending.text)"
  }

  deinit {
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Makes the content durable, then the name, then the folder that holds the name.
  ///
  /// - Parameter replacing: whether an existing file of the final name may be replaced; otherwise
  ///   the call fails with `EEXIST` and nothing changes.
  consuming func commit(replacing: Bool) throws(SystemCallError) {
    try FileSystem.synchronizeFile(temporaryPath)
    let folder = FileSystem.folder(of: finalPath)
    let replaced = replacing ? OutgoingFile(finalPath) : nil
    try giveName(replacing: replacing)
    try FileSystem.synchronizeFolder(folder)
    _ = consume replaced  // Freed when the new name is durable, not while that is waited for.
  }

  /// Gives the file its final name; neither is durable by that.
  consuming func giveName(replacing: Bool) throws(SystemCallError) {
    if replacing {
      try FileSystem.replace(finalPath, with: temporaryPath)
    } else {
      try FileSystem.name(finalPath, file: temporaryPath)
    }
    isCommitted = true
  }
}
