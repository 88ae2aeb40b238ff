import CDeflate

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension ZipArchive {
  /// Turns a file into an archive whose first member, stored, is the file's content: the header and padding
  /// go into the bytes before it, the further members and the directory behind it. Nothing is moved or
  /// copied.
  ///
  /// - Parameters:
  ///   - content: to the end of the file; the bytes before it, at most 65,000, are free.
  ///   - checksum: the content's CRC-32.
  ///   - documents: small members, stored.
  static func wrap(
    _ path: String, content: Range<Int>, checksum: UInt32, as name: String,
    documents: [(name: String, content: [UInt8])]
  ) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, O_RDWR | O_CLOEXEC) }
    defer { close(descriptor) }
    var entries = [
      Entry(name: name, crc32: checksum, byteCount: content.count, headerOffset: 0)
    ]
    try put(entries[0].localHeader(dataAt: content.lowerBound), descriptor, at: 0)
    var position = content.upperBound
    for document in documents {
      let entry = Entry(
        name: document.name, crc32: libdeflate_crc32(0, document.content, document.content.count),
        byteCount: document.content.count, headerOffset: position)
      let header = entry.localHeader(dataAt: nil)
      try put(header + document.content, descriptor, at: position)
      position += header.count + document.content.count
      entries.append(entry)
    }
    let directory = entries.flatMap(\.directoryRecord)
    let end = endRecords(count: entries.count, directory: position..<position + directory.count)
    try put(directory + end, descriptor, at: position)
  }

  /// Gives a member of a copy of this archive other content: it goes where the directory stood, and the
  /// directory behind it. All other members keep their bytes and places; the old content stays as bytes
  /// that nothing refers to.
  func replace(
    _ name: String, with content: [UInt8], in copy: String
  ) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(copy, O_RDWR | O_CLOEXEC) }
    defer { close(descriptor) }
    let entry = Entry(
      name: name, crc32: libdeflate_crc32(0, content, content.count), byteCount: content.count,
      headerOffset: directoryOffset)
    let start = directoryOffset
    let member = entry.localHeader(dataAt: nil) + content
    let directory =
      members.filter { $0.name != name }.flatMap(\.record) + entry.directoryRecord
    let count = members.count { $0.name != name } + 1
    let end = start + member.count + directory.count
    let records = Self.endRecords(count: count, directory: start + member.count..<end)
    try Self.put(member + directory + records, descriptor, at: start)
    try retryingInterrupted("ftruncate") { ftruncate(descriptor, off_t(end + records.count)) }
  }

  /// Computes the checksum of a stored member anew, after its bytes were changed in place.
  static func renewChecksum(
    of member: Member, checksumOffsets: [Int], in path: String
  ) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, O_RDWR | O_CLOEXEC) }
    defer { close(descriptor) }
    let crc32 = try checksum(descriptor, member.data)
    var field = FieldWriter()
    field.uint32(crc32)
    for offset in checksumOffsets { try put(field.bytes, descriptor, at: offset) }
  }

  /// The CRC-32 of a range of a file.
  private static func checksum(
    _ descriptor: Int32, _ range: Range<Int>
  ) throws(SystemCallError) -> UInt32 {
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var crc: UInt32 = 0
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = min(buffer.count, range.upperBound - position)
      let count = try retryingInterrupted("pread") {
        pread(descriptor, &buffer, wanted, off_t(position))
      }
      guard count > 0 else { throw SystemCallError("pread", code: EIO) }
      crc = libdeflate_crc32(crc, buffer, count)
      position += count
    }
    return crc
  }

  static func put(
    _ bytes: [UInt8], _ descriptor: Int32, at offset: Int
  ) throws(SystemCallError) {
    let code = bytes.withUnsafeBytes {
      FileSkeleton.writeAll($0, to: descriptor, at: offset)
    }
    if code != 0 { throw SystemCallError("pwrite", code: code) }
  }

  /// The directory's end in its 64-bit form, then the old one, which points to it.
  static func endRecords(count: Int, directory: Range<Int>) -> [UInt8] {
    var record = FieldWriter()
    record.uint32(0x0606_4b50)
    record.uint64(44)
    record.uint16(45)
    record.uint16(45)
    record.uint32(0)
    record.uint32(0)
    record.uint64(UInt64(count))
    record.uint64(UInt64(count))
    record.uint64(UInt64(directory.count))
    record.uint64(UInt64(directory.lowerBound))
    record.uint32(0x0706_4b50)
    record.uint32(0)
    record.uint64(UInt64(directory.upperBound))
    record.uint32(1)
    record.uint32(0x0605_4b50)
    record.uint16(0)
    record.uint16(0)
    record.uint16(UInt16(clamping: count))
    record.uint16(UInt16(clamping: count))
    record.uint32(UInt32(clamping: directory.count))
    record.uint32(UInt32(clamping: directory.lowerBound))
    record.uint16(0)
    return record.bytes
  }

  /// A member to be written.
  struct Entry {
    let name: String
    let crc32: UInt32
    let byteCount: Int
    let headerOffset: Int

    /// The header before the data; padded so that these begin at `dataAt` of the file.
    func localHeader(dataAt offset: Int?) -> [UInt8] {
      var header = FieldWriter()
      header.uint32(0x0403_4b50)
      writeCommon(to: &header)
      var extra = FieldWriter()
      extra.uint16(1)
      extra.uint16(16)
      extra.uint64(UInt64(byteCount))
      extra.uint64(UInt64(byteCount))
      if let offset {
        // An extra field of an id of its own: readers pass over it.
        let used = headerOffset + 30 + name.utf8.count + extra.bytes.count + 4
        extra.uint16(0xd935)
        extra.uint16(UInt16(offset - used))
        extra.zeros(offset - used)
      }
      header.uint16(UInt16(name.utf8.count))
      header.uint16(UInt16(extra.bytes.count))
      return header.bytes + Array(name.utf8) + extra.bytes
    }

    var directoryRecord: [UInt8] {
      var record = FieldWriter()
      record.uint32(0x0201_4b50)
      record.uint16(45)
      writeCommon(to: &record)
      record.uint16(UInt16(name.utf8.count))
      record.uint16(28)
      // No comment, first disk, no internal and no external attributes.
      record.zeros(6)
      record.uint32(0)
      record.uint32(0xffff_ffff)
      var extra = FieldWriter()
      extra.uint16(1)
      extra.uint16(24)
      extra.uint64(UInt64(byteCount))
      extra.uint64(UInt64(byteCount))
      extra.uint64(UInt64(headerOffset))
      return record.bytes + Array(name.utf8) + extra.bytes
    }

    /// Version 4.5 (64-bit sizes), stored, dated 1980-01-01 as all reproducible archives are; the sizes
    /// are in the 64-bit field.
    private func writeCommon(to writer: inout FieldWriter) {
      writer.uint16(45)
      writer.uint16(0)
      writer.uint16(0)
      writer.uint16(0)
      writer.uint16(0x0021)
      writer.uint32(crc32)
      writer.uint32(0xffff_ffff)
      writer.uint32(0xffff_ffff)
    }
  }
}

/// Appends little-endian fields.
struct FieldWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ values: [UInt8]) { bytes += values }
  mutating func uint16(_ value: UInt16) { append(value) }
  mutating func uint32(_ value: UInt32) { append(value) }
  mutating func uint64(_ value: UInt64) { append(value) }
  mutating func zeros(_ count: Int) { bytes += [UInt8](repeating: 0, count: count) }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
