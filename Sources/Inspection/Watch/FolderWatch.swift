public import Checkpoints

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Waits for checkpoints to be committed in a folder.
///
/// On Linux the kernel tells when a file gets its name or its writer closes it (inotify); elsewhere the
/// folder is looked through twice a second, and a file counts when it has not changed in between.
public struct FolderWatch: ~Copyable {
  private let folder: String
  private let stop: StopRequest
  private var seen: Set<FileStamp> = []
  #if canImport(Glibc)
    private let descriptor: Int32
  #else
    private var changing: Set<FileStamp> = []
  #endif

  /// Why a wait ended.
  public enum Outcome: Sendable, Hashable {
    /// New checkpoints, the oldest first.
    case committed([String])
    case timedOut
    /// The number of the signal that asked the program to end.
    case stopped(Int32)
  }

  /// Begins to watch. Checkpoints that are there already are not reported: see ``newest()``.
  ///
  /// - Throws: `unreadable` when there is no such folder.
  public init(_ folder: String, stop: StopRequest) throws(CheckpointError) {
    self.folder = folder
    self.stop = stop
    #if canImport(Glibc)
      descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
      guard descriptor >= 0 else { throw Self.failure(folder, errno) }
      let mask = IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
      guard inotify_add_watch(descriptor, folder, UInt32(mask)) >= 0 else {
        let code = errno
        close(descriptor)
        throw Self.failure(folder, code)
      }
    #endif
    // After the watch has begun: what is committed in between is in the list, or is told.
    seen = Set(try paths().compactMap(FileStamp.init))
  }

  #if canImport(Glibc)
    deinit { close(descriptor) }
  #endif

  /// The newest checkpoint that is there; nil when there is none.
  public func newest() throws(CheckpointError) -> String? { try paths().last }

  /// The oldest first.
  private func paths() throws(CheckpointError) -> [String] {
    guard let paths = try CheckpointReader.checkpoints(inFolder: folder) else {
      throw Self.failure(folder, ENOTDIR)
    }
    return paths.reversed()
  }

  private static func failure(_ folder: String, _ code: Int32) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot watch", path: folder,
      problem: "expected a folder, found: \(String(cString: strerror(code)))",
      cure: "name the folder that checkpoints are saved to; it must exist already")
  }
}

/// A file as it stands under a name; another that replaces it has another stamp.
private struct FileStamp: Hashable {
  let path: String
  let inode: UInt64
  let seconds: Int
  let nanoseconds: Int
  let byteCount: Int

  /// Nil when it is gone.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.path = path
    inode = UInt64(status.st_ino)
    byteCount = Int(status.st_size)
    #if canImport(Glibc)
      (seconds, nanoseconds) = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    #else
      (seconds, nanoseconds) = (Int(status.st_mtimespec.tv_sec), Int(status.st_mtimespec.tv_nsec))
    #endif
  }
}

#if canImport(Glibc)
  extension FolderWatch {
    /// Waits until a checkpoint is committed, the time is over, or a signal wants an end.
    ///
    /// - Parameter milliseconds: nil for ever.
    /// - Throws: `unreadable` when the folder goes.
    public mutating func wait(milliseconds: Int?) throws(CheckpointError) -> Outcome {
      let start = ContinuousClock.now
      while true {
        if let signal = stop.signal { return .stopped(signal) }
        var left: Int32 = -1
        if let milliseconds {
          let passed = (ContinuousClock.now - start) / .milliseconds(1)
          guard passed < Double(milliseconds) else { return .timedOut }
          left = Int32(clamping: milliseconds - Int(passed))
        }
        var descriptors = [
          pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
          pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 2, left) > 0, descriptors[0].revents != 0 else { continue }
        let names = try changedNames()
        let present = try paths()
        let committed = present.filter { path in
          guard names?.contains(where: { path == "\(folder)/\($0)" }) ?? true,
            let stamp = FileStamp(path)
          else { return false }
          return seen.insert(stamp).inserted
        }
        if !committed.isEmpty { return .committed(committed) }
      }
    }

    /// The names that the kernel has something to tell about; nil when it has lost count.
    private func changedNames() throws(CheckpointError) -> Set<String>? {
      var names: Set<String> = []
      var hasLostCount = false
      let header = MemoryLayout<inotify_event>.size
      let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 8)
      defer { buffer.deallocate() }
      while true {
        let count = read(descriptor, buffer.baseAddress!, buffer.count)
        guard count > 0 else { return hasLostCount ? nil : names }
        var offset = 0
        while offset + header <= count {
          let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { hasLostCount = true }
          if event.mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF) != 0 {
            throw Self.failure(folder, ENOENT)
          }
          let name = UnsafeRawBufferPointer(rebasing: buffer[(offset + header)...])
            .prefix(Int(event.len)).prefix { $0 != 0 }
          names.insert(String(decoding: name, as: UTF8.self))
          offset += header + Int(event.len)
        }
      }
    }
  }
#else
  extension FolderWatch {
    /// Waits until a checkpoint is committed, the time is over, or a signal wants an end.
    ///
    /// - Parameter milliseconds: nil for ever.
    /// - Throws: `unreadable` when the folder goes.
    public mutating func wait(milliseconds: Int?) throws(CheckpointError) -> Outcome {
      let start = ContinuousClock.now
      while true {
        if let signal = stop.signal { return .stopped(signal) }
        let stamps = try paths().compactMap(FileStamp.init)
        let committed = stamps.filter { changing.contains($0) && !seen.contains($0) }
        seen.formUnion(committed)
        changing = Set(stamps)
        if !committed.isEmpty { return .committed(committed.map(\.path)) }
        var pause = 500.0
        if let milliseconds {
          let left = Double(milliseconds) - (ContinuousClock.now - start) / .milliseconds(1)
          guard left > 0 else { return .timedOut }
          pause = min(pause, left)
        }
        var descriptors = [pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)]
        _ = poll(&descriptors, 1, Int32(pause.rounded(.up)))
      }
    }
  }
#endif
