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
  /// Where the content is written: `NAME.tmp-<process>-<random>`.
  let temporaryPath: String
  private let finalPath: String
  private var isCommitted = false

  /// Chooses a name; creates nothing yet.
  init(for finalPath: String) {
    self.finalPath = finalPath
    temporaryPath = Self.temporaryPath(for: finalPath)
  }

  /// `NAME.tmp-<process>-<random>`.
  static func temporaryPath(for finalPath: String) -> String {
    "\(finalPath).tmp-\(getpid())-\(String(UInt32.random(in: 0 ... .max), radix: 16))"
  }

  deinit {
    if !isCommitted { unlink(temporaryPath) }
  }

  /// Makes the content durable, then the name, then the folder that holds the name.
  ///
  /// - Parameter replacing: whether an existing file of the final name may be replaced; otherwise
  ///   the call fails with `EEXIST` and nothing changes.
  consuming func commit(replacing: Bool) throws(SystemCallError) {
    try Self.synchronize(temporaryPath, O_RDWR)
    if replacing {
      try retryingInterrupted("rename") { rename(temporaryPath, finalPath) }
    } else {
      // `link` fails when the name exists, on every file system; `rename` would replace it.
      try retryingInterrupted("link") { link(temporaryPath, finalPath) }
      unlink(temporaryPath)
    }
    isCommitted = true
    try Self.synchronize(Self.folder(of: finalPath), O_RDONLY | O_DIRECTORY)
  }

  /// Makes a file, or the names in a folder, durable.
  static func synchronize(_ path: String, _ flags: Int32) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, flags | O_CLOEXEC) }
    defer { close(descriptor) }
    try retryingInterrupted("fsync") { fsync(descriptor) }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

// MARK: - Left-overs of processes that died

extension PendingFile {
  /// Removes from `folder` the pending files and folders whose writer no longer runs; returns their
  /// names.
  static func removeAbandoned(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var removed: [String] = []
    while let entry = readdir(stream) {
      let name = entry.fileName
      guard let writer = writer(ofPendingName: name), !isRunning(writer) else { continue }
      if FolderTree.remove("\(folder)/\(name)") { removed.append(name) }
    }
    return removed.sorted()
  }

  /// The process in a name that ``init(for:)`` made; nil for any other name.
  static func writer(ofPendingName name: String) -> pid_t? {
    let parts = name.split(separator: ".").last?.split(separator: "-") ?? []
    guard parts.count == 3, parts[0] == "tmp", UInt32(parts[2], radix: 16) != nil else {
      return nil
    }
    return pid_t(parts[1])
  }

  static func isRunning(_ process: pid_t) -> Bool {
    kill(process, 0) == 0 || errno == EPERM
  }
}
