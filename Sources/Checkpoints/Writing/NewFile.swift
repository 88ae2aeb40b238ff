import CSystem

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file in the making, open for writing.
///
/// A class because several writers share it.
final class NewFile: Sendable {
  let descriptor: Int32

  /// Creates it; there is no file of that name.
  init(_ path: String) throws(SystemCallError) {
    descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
  }

  deinit { close(descriptor) }

  /// Takes the room on the disk at once: in one piece, and a disk that is too small shows now.
  func reserve(_ byteCount: Int) throws(SystemCallError) {
    #if os(Linux)
      var hasWaited = false
      while byteCount > 0, fallocate(descriptor, 0, 0, off_t(byteCount)) != 0 {
        switch errno {
        case EINTR: continue
        // A file system that cannot do it takes room as it goes.
        case EOPNOTSUPP: return
        case ENOSPC where !hasWaited, EDQUOT where !hasWaited:
          // A file that was replaced before may still have its room.
          OutgoingFile.waitForRoom()
          hasWaited = true
        default: throw SystemCallError("fallocate")
        }
      }
    #endif
  }

  /// Lets the disk begin with these bytes at once, not at the end when everybody waits. A failure will show
  /// there.
  func beginWriting(_ offset: Int, _ byteCount: Int) {
    #if os(Linux)
      let begin: UInt32 = 2  // SYNC_FILE_RANGE_WRITE of linux/fs.h
      _ = sync_file_range(descriptor, off_t(offset), off_t(byteCount), begin)
    #endif
  }
}
