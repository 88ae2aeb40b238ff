import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that is about to lose its last name.
///
/// It is kept, and given up behind the back of whoever saves. To free the room of a large file takes ext4 a
/// tenth of a second for each gigabyte, in the call that takes the name; where the disk is told of free room
/// (`discard`), the file system does that before it lets anybody know that a name which came in its place is
/// durable.
struct ReleasedFile: ~Copyable {
  private let descriptor: Int32

  private static let queue = DispatchQueue(label: "cairn.released-files", qos: .utility)

  /// - Parameter path: of the file, if there is one. A link is not followed: it is what loses the name.
  init(_ path: String) {
    #if canImport(Glibc)
      // O_PATH of fcntl.h, which does without reading: the file may be of any kind.
      let holdsOnly: Int32 = 0o10000000
    #else
      let holdsOnly = O_EVTONLY
    #endif
    descriptor = open(path, holdsOnly | O_NOFOLLOW | O_CLOEXEC)
  }

  deinit {
    let descriptor = descriptor
    if descriptor >= 0 { Self.queue.async { close(descriptor) } }
  }

  /// Waits until the room of all that lost their names so far is free.
  static func waitUntilFreed() { queue.sync {} }
}
