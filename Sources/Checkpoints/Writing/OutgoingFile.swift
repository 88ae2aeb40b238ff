import CSystem
import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that is about to lose its name, held until the one that comes in its place is durable.
///
/// A file system frees what a file held when nothing refers to it any more: some 0.1 to 0.3 s for each GiB, in
/// whatever call takes the last name away, here the rename that makes a checkpoint exist. While it is held,
/// that call has nothing to free; a thread of its own does it afterwards. Where the disk is told of free room
/// (`discard`), the wait for that goes with it. Nothing else is different: a file without a name is no part of
/// what a loss of power may leave, and its room is then freed by the file system's own recovery.
struct OutgoingFile: ~Copyable {
  #if os(Linux)
    private let descriptor: Int32

    /// Numbers of linux/magic.h: ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. A network's file system gives a file
    /// that is held another name, which would stay after a crash.
    private static let fileSystems: Set<Int> = [
      0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994,
    ]

    /// Holds the file of a name; nil where that spares nothing, or is not possible.
    init?(_ path: String) {
      // O_PATH of fcntl.h: nothing is opened, and nothing need be allowed.
      let reference: Int32 = 0x20_0000
      let descriptor = open(path, reference | O_NOFOLLOW | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
      guard Self.fileSystems.contains(csystem_file_system_type(descriptor)) else {
        close(descriptor)
        return nil
      }
      self.descriptor = descriptor
    }

    deinit { Self.queue.async { [descriptor] in close(descriptor) } }
  #else
    init?(_ path: String) { return nil }
  #endif
}

extension OutgoingFile {
  /// One for the process: whoever misses room on a disk cannot know whose files are still being freed.
  private static let queue = DispatchQueue(label: "cairn.outgoing-files", qos: .utility)

  /// Waits until the room of all files that are no longer held is free.
  static func waitForRoom() { queue.sync {} }
}
