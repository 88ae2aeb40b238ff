import Dispatch
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The right to write checkpoints in a folder, which one process has at a time.
///
/// It is a file, `.cairn-lease`, that comes into being by `link`, which fails when the name exists on every
/// file system, network ones included, and in other ways that do so where files cannot have two names; locks,
/// which some file systems do not have, play no part. The file names
/// its owner, and its time of modification is the owner's heartbeat, renewed every few seconds:
///
/// - an owner on this machine is known to run or not, by its number and the time it began; the lease of
///   one that ended is taken over at once;
/// - an owner elsewhere has ended when its heartbeat is older than ``expirySeconds``. Age is measured by
///   the clock of the file system itself, between the lease and a file that was written just now, so the
///   clocks of the machines do not matter.
///
/// A process that was stopped for so long that another took its lease learns it from ``check()`` before
/// its next commit.
///
/// A class because it owns a file.
final class FolderLease: Sendable {
  static let fileName = ".cairn-lease"
  static let expirySeconds = 60.0

  private let folder: String
  private let heartbeatSeconds: Double
  private let record: LeaseRecord
  /// The lease file, open while the lease is held.
  private let descriptor: Locked<Int32?>

  private static func path(in folder: String) -> String { "\(folder)/\(fileName)" }

  /// Takes the lease of a folder.
  ///
  /// - Throws: `inUse` when a process that runs has it, `unwritable` when no file can be made.
  init(of folder: String, heartbeatSeconds: Double = 10) throws(CheckpointError) {
    self.folder = folder
    self.heartbeatSeconds = heartbeatSeconds
    record = LeaseRecord(owner: .current)
    do throws(SystemCallError) {
      try Self.acquire(record, in: folder)
    } catch {
      if let refusal = Self.refusal(of: folder, error) { throw refusal }
      throw CheckpointError.saving(Self.path(in: folder), error)
    }
    do throws(SystemCallError) {
      let path = Self.path(in: folder)
      descriptor = Locked(
        try retryingInterrupted("open") { open(path, O_RDONLY | O_CLOEXEC) })
    } catch {
      throw CheckpointError.saving(Self.path(in: folder), error)
    }
    scheduleHeartbeat()
  }

  deinit { release() }

  /// Gives the lease back; nothing when that has happened already.
  func release() {
    descriptor.withLock { descriptor in
      guard let file = descriptor else { return }
      close(file)
      descriptor = nil
      let path = Self.path(in: folder)
      if Self.read(path) == record { unlink(path) }
    }
  }

  private func scheduleHeartbeat() {
    DispatchQueue.global().asyncAfter(deadline: .now() + heartbeatSeconds) { [weak self] in
      guard let self else { return }
      let isHeld = self.descriptor.withLock { descriptor in
        // The open file, not the name: a lease of somebody else must not be kept alive.
        if let descriptor { futimens(descriptor, nil) }
        return descriptor != nil
      }
      if isHeld { self.scheduleHeartbeat() }
    }
  }

  /// Throws `inUse` unless the lease is still this process's.
  func check() throws(CheckpointError) {
    let path = Self.path(in: folder)
    guard Self.read(path) != record else { return }
    let found = Self.read(path).map { "now has \(Self.words($0.owner))" } ?? "is gone"
    throw CheckpointError(
      .inUse, "cannot write in", path: folder,
      problem:
        "expected the lease \(Self.fileName) that this process took, but the folder \(found)",
      cure: "let one process at a time write there")
  }
}

// MARK: - Acquiring

extension FolderLease {
  private static func acquire(
    _ record: LeaseRecord, in folder: String
  ) throws(SystemCallError) {
    let path = path(in: folder)
    for _ in 0..<16 {
      let candidate = PendingFile(for: path)
      try FileCopy.create(candidate.temporaryPath, Array(record.text.utf8))
      guard let holder = Holder(path, now: modification(of: candidate.temporaryPath)) else {
        do throws(SystemCallError) {
          try candidate.giveName(replacing: false)
          return
        } catch {
          // Somebody was faster: see who.
          if error.isAlreadyExists { continue }
          throw error
        }
      }
      guard holder.hasEnded else { break }
      try takeAway(holder, at: path)
    }
    throw SystemCallError("link", code: EEXIST)
  }

  /// Removes the lease of an owner that has ended. It is moved aside first: of several processes one
  /// succeeds in that, and sees then whether it got what it had judged.
  private static func takeAway(_ holder: Holder, at path: String) throws(SystemCallError) {
    let aside = PendingFile.temporaryPath(for: path)
    guard rename(path, aside) == 0 else {
      if errno == ENOENT { return }
      throw SystemCallError("rename")
    }
    guard read(aside) != holder.record else {
      unlink(aside)
      return
    }
    // A lease that was taken meanwhile goes back. Where somebody else has one by now, its owner learns of that
    // by `check`.
    do throws(SystemCallError) {
      try FileSystem.name(path, file: aside)
    } catch {
      unlink(aside)
    }
  }

  /// Who has a lease, as far as its file tells.
  private struct Holder {
    /// Nil for a file that says nothing.
    let record: LeaseRecord?
    let heartbeatAgeSeconds: Double

    /// Nil when there is no lease.
    init?(_ path: String, now: Double?) {
      guard let modification = FolderLease.modification(of: path) else { return nil }
      record = FolderLease.read(path)
      heartbeatAgeSeconds = (now ?? modification) - modification
    }

    var hasEnded: Bool {
      if let isRunning = record?.owner.isRunning { return !isRunning }
      return heartbeatAgeSeconds > FolderLease.expirySeconds
    }
  }

  /// Nil unless the error is that somebody has the lease.
  private static func refusal(of folder: String, _ error: SystemCallError) -> CheckpointError? {
    guard error.isAlreadyExists else { return nil }
    let owner = read(path(in: folder))?.owner
    let isSelf = owner == .current
    return CheckpointError(
      .inUse, "cannot write in", path: folder,
      problem: "\(owner.map(words) ?? "another process") saves checkpoints there",
      cure: isSelf
        ? "use one store for a folder" : "stop that process, or choose another folder",
      cause: error)
  }

  private static func words(_ owner: ProcessIdentity) -> String {
    owner == .current
      ? "this process (\(owner.number))" : "process \(owner.number) on host \(owner.host)"
  }

  /// Nil when there is none, or it says nothing.
  private static func read(_ path: String) -> LeaseRecord? {
    guard let file = try? ReadableFile(path), file.byteCount < 1 << 16,
      let bytes = try? file.read(0..<file.byteCount)
    else { return nil }
    return LeaseRecord(parsing: String(decoding: bytes, as: UTF8.self))
  }

  /// Seconds since 1970 by the file system's clock.
  private static func modification(of path: String) -> Double? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    #if canImport(Glibc)
      let time = status.st_mtim
    #else
      let time = status.st_mtimespec
    #endif
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
