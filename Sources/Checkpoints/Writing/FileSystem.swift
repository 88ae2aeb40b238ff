import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The calls into the operating system by which files get their names and become durable: every commit is
/// made of these.
enum FileSystem {
  /// Makes a file, or the names in a folder, durable.
  static func synchronize(_ path: String, _ flags: Int32) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, flags | O_CLOEXEC) }
    defer { close(descriptor) }
    try retryingInterrupted("fsync") { fsync(descriptor) }
  }

  static func synchronizeFile(_ path: String) throws(SystemCallError) {
    try synchronize(path, O_RDWR)
  }

  static func synchronizeFolder(_ path: String) throws(SystemCallError) {
    try synchronize(path, O_RDONLY | O_DIRECTORY)
  }

  static func makeFolder(_ path: String) throws(SystemCallError) {
    try retryingInterrupted("mkdir") { mkdir(path, 0o755) }
  }

  /// Makes sure that a folder exists, those above it too, and that their names survive a loss of power: what
  /// lies in a folder is no safer than the folder's own name.
  ///
  /// A name is made durable before anything is made below it, so whatever exists below a folder that is
  /// missing an earlier call has left durable.
  static func makeDurableFolder(_ path: String) throws(SystemCallError) {
    do throws(SystemCallError) {
      try makeFolder(path)
    } catch {
      let parent = folder(of: path)
      switch error.code {
      case EEXIST: break
      case ENOENT where parent != path && parent != "." && parent != "/":
        try makeDurableFolder(parent)
        try makeDurableFolder(path)
        return
      default: throw error
      }
    }
    try synchronizeFolder("\(path)/..")
  }

  /// Gives a file another name, in one step in the place of the file that has that name.
  ///
  /// - Throws: `EEXIST` where no file has it but a device, a pipe or a socket: nobody who names one wants it
  ///   to be gone.
  static func replace(_ path: String, with source: String) throws(SystemCallError) {
    guard !FolderTree.isSpecial(path) else { throw SystemCallError("rename", code: EEXIST) }
    try retryingInterrupted("rename") { rename(source, path) }
  }

  /// Gives a file another name, unless something has it: then `EEXIST`, and nothing changes.
  static func name(_ path: String, file source: String) throws(SystemCallError) {
    do throws(SystemCallError) {
      // `link` fails when the name exists, on network file systems too, where other ways may not.
      try retryingInterrupted("link") { link(source, path) }
    } catch {
      if error.isUnsupported { return try nameWithoutLinks(path, file: source) }
      // A network that lost the answer asks again, and is told that the name exists: by our own doing.
      guard error.isAlreadyExists, linkCount(of: source) == 2 else { throw error }
    }
    unlink(source)
  }

  /// ``name(_:file:)`` where a file cannot have two names, as on FAT and on some network file systems.
  private static func nameWithoutLinks(
    _ path: String, file source: String
  ) throws(SystemCallError) {
    do throws(SystemCallError) {
      try renameWithoutReplacing(source, path)
    } catch {
      guard error.isUnsupportedOption else { throw error }
      // The last resort works everywhere: an empty file holds the name until the other is renamed over it.
      let holder = try retryingInterrupted("open") {
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      }
      close(holder)
      do throws(SystemCallError) {
        try replace(path, with: source)
      } catch {
        unlink(path)
        throw error
      }
    }
  }

  /// Gives a folder another name, unless something has it: then `EEXIST`, and nothing changes.
  static func name(_ path: String, folder source: String) throws(SystemCallError) {
    do throws(SystemCallError) {
      try renameWithoutReplacing(source, path)
    } catch {
      guard error.isUnsupportedOption else { throw error }
      // An empty folder holds the name: a rename replaces that, and no other.
      try makeFolder(path)
      do throws(SystemCallError) {
        try replace(path, with: source)
      } catch {
        rmdir(path)
        throw error
      }
    }
  }

  static func renameWithoutReplacing(
    _ source: String, _ path: String
  ) throws(SystemCallError) {
    #if canImport(Glibc)
      // RENAME_NOREPLACE of linux/fs.h.
      try retryingInterrupted("renameat2") { renameat2(AT_FDCWD, source, AT_FDCWD, path, 1) }
    #else
      try retryingInterrupted("renamex_np") { renamex_np(source, path, UInt32(RENAME_EXCL)) }
    #endif
  }

  /// Exchanges two names in one step.
  static func exchange(_ a: String, _ b: String) throws(SystemCallError) {
    #if canImport(Glibc)
      // RENAME_EXCHANGE of linux/fs.h.
      try retryingInterrupted("renameat2") { renameat2(AT_FDCWD, a, AT_FDCWD, b, 2) }
    #else
      try retryingInterrupted("renamex_np") { renamex_np(a, b, UInt32(RENAME_SWAP)) }
    #endif
  }

  /// Removes a file; that it is gone already is no error.
  static func remove(_ path: String) throws(SystemCallError) {
    let removed = OutgoingFile(path)
    do throws(SystemCallError) {
      try retryingInterrupted("unlink") { unlink(path) }
    } catch {
      guard error.code == ENOENT else { throw error }
    }
    _ = consume removed
  }

  /// The folder that holds a path's last name.
  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last name of a path.
  static func name(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[path.index(after: $0)...]) }
      ?? path
  }

  private static func linkCount(of path: String) -> Int? {
    var status = stat()
    return lstat(path, &status) == 0 ? Int(status.st_nlink) : nil
  }
}

// MARK: - Room

extension FileSystem {
  /// Bytes that may still be written in a folder; nil where the file system does not tell.
  static func freeByteCount(in folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0, status.f_blocks > 0 else { return nil }
    let (bytes, overflow) = Int(clamping: status.f_bavail)
      .multipliedReportingOverflow(by: Int(clamping: status.f_frsize))
    return overflow ? Int.max : bytes
  }
}
