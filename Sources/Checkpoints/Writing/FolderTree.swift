#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Folders with everything in them.
enum FolderTree {
  /// What a path leads to, symbolic links not followed.
  enum Kind { case folder, file, other }

  /// Nil when there is nothing.
  static func kind(of path: String) -> Kind? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .folder
    case S_IFREG: return .file
    default: return .other
    }
  }

  /// Whether a path leads to a device, a pipe or a socket, through symbolic links too.
  static func isSpecial(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else { return false }
    return ![S_IFDIR, S_IFREG].contains(status.st_mode & S_IFMT)
  }

  /// Names of what is inside, sorted.
  static func names(in folder: String) throws(SystemCallError) -> [String] {
    guard let stream = opendir(folder) else { throw SystemCallError("opendir") }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = entry.fileName
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file, or a folder with everything in it; returns whether it is gone. Symbolic links are
  /// removed, never followed.
  @discardableResult
  static func remove(_ path: String) -> Bool {
    guard kind(of: path) == .folder else { return unlink(path) == 0 }
    for name in (try? names(in: path)) ?? [] { remove("\(path)/\(name)") }
    return rmdir(path) == 0
  }

  /// Copies files and folders below `source` into `destination`, a folder that exists.
  ///
  /// - Throws: `ELOOP` for a symbolic link and other special files, which a checkpoint does not have.
  static func copy(contentsOf source: String, to destination: String) throws(SystemCallError) {
    for name in try names(in: source) {
      let (from, to) = ("\(source)/\(name)", "\(destination)/\(name)")
      switch kind(of: from) {
      case .file: try FileCopy.copy(from, to: to)
      case .folder:
        try FileSystem.makeFolder(to)
        try copy(contentsOf: from, to: to)
      case .other: throw SystemCallError("open", code: ELOOP)
      case nil: throw SystemCallError("lstat", code: ENOENT)
      }
    }
  }

  /// Makes every file and every name below `path` durable.
  static func synchronize(_ path: String) throws(SystemCallError) {
    for name in try names(in: path) {
      let inner = "\(path)/\(name)"
      if kind(of: inner) == .folder {
        try synchronize(inner)
      } else {
        try FileSystem.synchronize(inner, O_RDONLY)
      }
    }
    try FileSystem.synchronizeFolder(path)
  }
}

enum FileCopy {
  /// Copies the bytes of a file to a new one.
  static func copy(_ source: String, to destination: String) throws(SystemCallError) {
    let input = try retryingInterrupted("open") { open(source, O_RDONLY | O_CLOEXEC) }
    defer { close(input) }
    let output = try retryingInterrupted("open") {
      open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
    defer { close(output) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 << 20, alignment: 4096)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count = try retryingInterrupted("read") { read(input, buffer.baseAddress!, buffer.count) }
      if count == 0 { return }
      let code = FileSkeleton.writeAll(
        UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: output, at: offset)
      if code != 0 { throw SystemCallError("pwrite", code: code) }
      offset += count
    }
  }

  /// Writes a new file.
  static func create(_ path: String, _ content: [UInt8]) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
    defer { close(descriptor) }
    let code = content.withUnsafeBytes { FileSkeleton.writeAll($0, to: descriptor, at: 0) }
    if code != 0 { throw SystemCallError("pwrite", code: code) }
  }
}
