#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An HDF5 content, open for reading at offsets from its first byte: a file, or a range of one.
struct FileContent: ~Copyable {
  private let file: ReadableFile
  private let start: Int
  let byteCount: Int

  /// - Parameter start: where the content begins in the file, at whose end it ends.
  init(_ path: String, from start: Int) throws(SystemCallError) {
    file = try ReadableFile(path)
    self.start = start
    byteCount = file.byteCount - start
  }

  /// - Parameter window: where the content lies in the file; nil for all of it.
  init(_ path: String, window: Range<Int>?) throws(SystemCallError) {
    file = try ReadableFile(path)
    start = window?.lowerBound ?? 0
    byteCount = window?.count ?? file.byteCount
  }

  /// Where an offset of the content lies in the file.
  func position(_ offset: Int) -> Int { start + offset }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemCallError) {
    guard offset >= 0, offset + buffer.count <= byteCount else {
      throw SystemCallError("pread", code: EIO)
    }
    try file.read(into: buffer, at: start + offset)
  }

  func read(_ range: Range<Int>) throws(SystemCallError) -> [UInt8] {
    guard range.lowerBound >= 0, range.upperBound <= byteCount else {
      throw SystemCallError("pread", code: EIO)
    }
    return try file.read(start + range.lowerBound..<start + range.upperBound)
  }
}
