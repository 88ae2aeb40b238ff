#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open file, read at offsets.
struct ReadableFile: ~Copyable {
  let byteCount: Int
  let descriptor: Int32

  init(_ path: String) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, O_RDONLY | O_CLOEXEC) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = SystemCallError("fstat")
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// The bytes of a range, which must lie inside the file. Throws `EIO` when the file is shorter by now.
  func read(_ range: Range<Int>) throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: range.count)
    var done = 0
    while done < bytes.count {
      let count = try retryingInterrupted("pread") {
        bytes.withUnsafeMutableBytes {
          pread(
            descriptor, $0.baseAddress! + done, range.count - done, off_t(range.lowerBound + done))
        }
      }
      guard count > 0 else { throw SystemCallError("pread", code: EIO) }
      done += count
    }
    return bytes
  }
}
