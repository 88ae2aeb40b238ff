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
    try [UInt8](unsafeUninitializedCapacity: range.count) {
      (buffer, count) throws(SystemCallError) in
      try read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
      count = range.count
    }
  }

  /// Fills a buffer with the bytes from `offset` on. Throws `EIO` when there are fewer.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemCallError) {
    try Self.read(descriptor, into: buffer, at: offset)
  }

  /// The same of a file that is open elsewhere.
  static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemCallError) {
    var done = 0
    while done < buffer.count {
      let count = try retryingInterrupted("pread") {
        pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      }
      guard count > 0 else { throw SystemCallError("pread", code: EIO) }
      done += count
    }
  }
}
