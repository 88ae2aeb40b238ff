import CDeflate

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes a zip archive of stored members, one after the other, each with its data at a multiple of 64
/// bytes.
struct ZipWriter {
  private var entries: [ZipArchive.Entry] = []
  private var position = 0

  /// Adds a member.
  ///
  /// - Parameters:
  ///   - byteCount: of its data.
  ///   - write: writes them from the given position on, advances it, and continues the checksum.
  mutating func add(
    _ name: String, byteCount: Int, to file: borrowing SequentialFile,
    write: (_ position: inout Int, _ checksum: inout UInt32) throws -> Void
  ) throws {
    let used = position + 30 + name.utf8.count + 20 + 4
    let start = (used + 63) / 64 * 64
    var end = start
    var checksum: UInt32 = 0
    try write(&end, &checksum)
    precondition(end - start == byteCount, "a member of another size than announced")
    let entry = ZipArchive.Entry(
      name: name, crc32: checksum, byteCount: byteCount, headerOffset: position)
    var headerPosition = position
    try file.write(entry.localHeader(dataAt: start), at: &headerPosition)
    entries.append(entry)
    position = end
  }

  /// Writes the directory.
  func finish(_ file: borrowing SequentialFile) throws(SystemCallError) {
    var end = position
    let directory = entries.flatMap(\.directoryRecord)
    try file.write(directory, at: &end)
    let records = ZipArchive.endRecords(count: entries.count, directory: position..<end)
    try file.write(records, at: &end)
  }
}

/// A new file, written piece by piece.
struct SequentialFile: ~Copyable {
  private let descriptor: Int32

  init(creating path: String) throws(SystemCallError) {
    descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
  }

  deinit { close(descriptor) }

  /// Writes bytes at a position, advances it, and continues their CRC-32.
  func write(
    _ bytes: UnsafeRawBufferPointer, at position: inout Int, _ checksum: inout UInt32
  ) throws(SystemCallError) {
    let code = FileSkeleton.writeAll(bytes, to: descriptor, at: position)
    if code != 0 { throw SystemCallError("pwrite", code: code) }
    checksum = libdeflate_crc32(checksum, bytes.baseAddress, bytes.count)
    position += bytes.count
  }

  func write(
    _ bytes: [UInt8], at position: inout Int, _ checksum: inout UInt32
  ) throws(SystemCallError) {
    let code = bytes.withUnsafeBytes {
      FileSkeleton.writeAll($0, to: descriptor, at: position)
    }
    if code != 0 { throw SystemCallError("pwrite", code: code) }
    checksum = libdeflate_crc32(checksum, bytes, bytes.count)
    position += bytes.count
  }

  func write(_ bytes: [UInt8], at position: inout Int) throws(SystemCallError) {
    var checksum: UInt32 = 0
    try write(bytes, at: &position, &checksum)
  }
}
