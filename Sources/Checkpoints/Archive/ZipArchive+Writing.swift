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

  /// Writes this archive anew with other content for one member, which is then stored.
  ///
  /// Everything else keeps its bytes and its order: the other members with their headers, what stands
  /// between them, their entries in the directory but for the places they name. What was behind the old
  /// content moves.
  ///
  /// - Throws: `unsupported` for an archive with members that lie in each other or share a name.
  func rewrite(
    _ name: String, with content: [UInt8], to output: String
  ) throws {
    let order = members.sorted { $0.headerOffset < $1.headerOffset }
    let ends = order.dropFirst().map(\.headerOffset) + [directoryOffset]
    guard zip(order, ends).allSatisfy({ $0.data.upperBound <= $1 }),
      Set(members.map(\.name)).count == members.count
    else {
      throw CheckpointError(
        .unsupported, "cannot rewrite", path: path, object: name,
        problem: "expected members one behind the other, each of its own name, found others",
        cure: "zip it again")
    }
    let source = try ReadableFile(path)
    let file = try SequentialFile(creating: output)
    var position = 0
    try source.copy(0..<(order.first?.headerOffset ?? 0), to: file, at: &position)
    var offsets: [String: Int] = [:]
    var replacement: Entry?
    for (member, end) in zip(order, ends) {
      offsets[member.name] = position
      guard member.name == name else {
        try source.copy(member.headerOffset..<end, to: file, at: &position)
        continue
      }
      let entry = Entry(
        name: name, crc32: libdeflate_crc32(0, content, content.count), byteCount: content.count,
        headerOffset: position)
      replacement = entry
      try file.write(entry.localHeader(dataAt: nil) + content, at: &position)
    }
    let start = position
    for member in members {
      let record =
        member.name == name
        ? replacement!.directoryRecord : member.record(at: offsets[member.name]!)
      try file.write(record, at: &position)
    }
    try file.write(
      Self.endRecords(count: members.count, directory: start..<position), at: &position)
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

extension ZipArchive.Member {
  /// The entry of the directory for the same member with its header elsewhere.
  fileprivate func record(at offset: Int) -> [UInt8] {
    if offsetField.count == 4, offset >= 0xffff_ffff {
      return ZipArchive.Entry(
        name: name, crc32: crc32, byteCount: byteCount, headerOffset: offset
      ).directoryRecord
    }
    var record = record
    let bytes = withUnsafeBytes(of: UInt64(offset).littleEndian) { Array($0) }
    record.replaceSubrange(offsetField, with: bytes.prefix(offsetField.count))
    return record
  }
}

extension ReadableFile {
  /// Copies a range of bytes in pieces.
  fileprivate borrowing func copy(
    _ range: Range<Int>, to file: borrowing SequentialFile, at position: inout Int
  ) throws {
    var start = range.lowerBound
    while start < range.upperBound {
      let end = min(start + 1 << 20, range.upperBound)
      try file.write(read(start..<end), at: &position)
      start = end
    }
  }
}

/// Appends little-endian fields.
struct FieldWriter {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ values: some Collection<UInt8>) { bytes.append(contentsOf: values) }
  mutating func uint16(_ value: UInt16) { append(value) }
  mutating func uint32(_ value: UInt32) { append(value) }
  mutating func uint64(_ value: UInt64) { append(value) }
  mutating func zeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

  mutating func reserveCapacity(_ count: Int) { bytes.reserveCapacity(count) }

  private mutating func append(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
