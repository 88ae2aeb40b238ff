import Checkpoints

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A checkpoint that is named on the command line: a file or folder, or `-` for standard input.
///
/// Checkpoints are read here and there, which a pipe cannot do: its content goes into a temporary file, in
/// `TMPDIR` or `/tmp`, that has no name any more when this is made and so never outlives the process. What
/// standard input is redirected from a file is read in place.
///
/// A class, because commands hold several of them as long as they run.
final class InputFile {
  /// As it stands on the command line.
  let argument: String
  /// What to open, as long as this exists.
  let path: String
  /// What to call it.
  let name: String
  private let descriptor: Int32?

  /// - Throws: `unreadable` when the pipe, or `refused` and `unwritable` when the temporary file, fails.
  init(_ path: String) throws(CheckpointError) {
    guard !path.isEmpty else {
      throw CheckpointError(
        .refused, "cannot read", path: "''", problem: "expected a checkpoint, found an empty name",
        cure: "a variable of the shell may be unset")
    }
    argument = path
    let isStandardInput = path == "-"
    name = isStandardInput ? "standard input" : path
    var status = stat()
    let isKnown = isStandardInput ? fstat(STDIN_FILENO, &status) : stat(path, &status)
    let type = isKnown == 0 ? status.st_mode & S_IFMT : 0
    if isStandardInput, type == S_IFREG, lseek(STDIN_FILENO, 0, SEEK_CUR) == 0 {
      // Processes that this one starts get another standard input.
      let descriptor = dup(STDIN_FILENO)
      guard descriptor >= 0 else { throw Self.failure(name, "dup", errno) }
      self.path = "/dev/fd/\(descriptor)"
      self.descriptor = descriptor
    } else if isStandardInput || type == S_IFIFO {
      if isStandardInput, isatty(STDIN_FILENO) == 1 {
        throw CheckpointError(
          .refused, "cannot read", path: name,
          problem: "expected a file or a pipe, found a terminal", cure: "name a checkpoint")
      }
      let descriptor = try Self.spool(path, called: name)
      self.path = "/dev/fd/\(descriptor)"
      self.descriptor = descriptor
    } else {
      self.path = path
      descriptor = nil
    }
  }

  deinit { if let descriptor { close(descriptor) } }

  // MARK: - Pipes

  private static let blockByteCount = 1 << 20
  /// So much room is left to others on the disk.
  private static let reserve = 64 << 20

  private static func spool(
    _ path: String, called name: String
  ) throws(CheckpointError) -> Int32 {
    let source = path == "-" ? STDIN_FILENO : openForReading(path)
    guard source >= 0 else { throw failure(name, "open", errno) }
    defer { if path != "-" { close(source) } }
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let target = try temporaryFile(in: folder, for: name)
    do throws(CheckpointError) {
      // Whatever is read is written, too.
      try ProgressLine.showing("reading \(name)", byteCount: 0, movesOfByte: 2) {
        () throws(CheckpointError) in try copy(from: source, to: target, folder, name)
      }
    } catch {
      close(target)
      throw error
    }
    return target
  }

  private static func temporaryFile(
    in folder: String, for name: String
  ) throws(CheckpointError) -> Int32 {
    var template = Array("\(folder)/checkpoint-inspect-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw noRoom(name, folder, String(cString: strerror(errno))) }
    // Not closed in the processes that this one starts: they read damaged files.
    template.withUnsafeBufferPointer { _ = unlink($0.baseAddress!) }
    return descriptor
  }

  private static func copy(
    from source: Int32, to target: Int32, _ folder: String, _ name: String
  ) throws(CheckpointError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: blockByteCount, alignment: 4096)
    defer { buffer.deallocate() }
    var total = 0
    while true {
      let count = read(source, buffer.baseAddress!, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(name, "read", errno) }
      if count == 0 { return }
      var room = statvfs()
      if fstatvfs(target, &room) == 0 {
        let (free, overflow) = Int(room.f_bavail).multipliedReportingOverflow(
          by: Int(room.f_frsize))
        if !overflow, free < count + reserve {
          throw noRoom(name, folder, "only \(free) bytes are free after \(total)")
        }
      }
      var done = 0
      while done < count {
        let written = write(target, buffer.baseAddress! + done, count - done)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { throw noRoom(name, folder, String(cString: strerror(errno))) }
        done += written
      }
      total += count
    }
  }

  private static func failure(_ name: String, _ call: String, _ code: Int32) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot read", path: name,
      problem: "\(String(cString: strerror(code))) (\(call))",
      cure: "see that the program before the pipe goes on to its end")
  }

  private static func noRoom(
    _ name: String, _ folder: String, _ problem: String
  ) -> CheckpointError {
    CheckpointError(
      .unwritable, "cannot read", path: name,
      problem: "its content must be kept in \(folder): \(problem)",
      cure: "set TMPDIR to a folder with room for it, or save it to a file first")
  }
}

/// The system's own `open`, which a method of the name would hide.
private func openForReading(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
