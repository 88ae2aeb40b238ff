import CDeflate

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The members of a zip archive, as its directory lists them.
///
/// Source: PKWARE APPNOTE 6.3.10. Every offset and length is checked against the file before it is used.
struct ZipArchive {
  let path: String
  let members: [Member]
  /// Where the directory begins, behind the data of all members.
  let directoryOffset: Int

  struct Member {
    let name: String
    let method: Method
    /// Where its own header begins.
    let headerOffset: Int
    /// Where the member's data lie in the file.
    let data: Range<Int>
    /// Bytes once decompressed.
    let byteCount: Int
    let crc32: UInt32
    /// Where the checksum stands: in the member's header and in the directory. Nil where it stands
    /// behind the data, too, as in archives that were written to a pipe.
    let checksumOffsets: [Int]?
    /// Its entry in the directory.
    let record: [UInt8]
    /// Where that says at which byte the header begins: a 64-bit field, or one of 32 bits.
    let offsetField: Range<Int>
  }

  enum Method: Equatable {
    case stored
    case deflated
    case other(UInt16)
  }

  subscript(name: String) -> Member? { members.first { $0.name == name } }

  /// Whether the file begins as a zip archive does.
  static func isArchive(_ path: String) throws(SystemCallError) -> Bool {
    let file = try ReadableFile(path)
    guard file.byteCount >= 4 else { return false }
    return try file.read(0..<4).elementsEqual([0x50, 0x4b, 0x03, 0x04])
  }

  /// Reads the directory.
  init(reading path: String) throws(CheckpointError) {
    self.path = path
    do {
      let directory = try Directory(ReadableFile(path), path: path)
      members = directory.members
      directoryOffset = directory.offset
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// The content of a small member.
  ///
  /// - Throws: `unreadable` for one larger than `limit` bytes, compressed in another way than deflate, or
  ///   damaged.
  func content(
    of member: Member, limit: Int = 256 << 20
  ) throws(CheckpointError) -> [UInt8] {
    guard member.byteCount <= limit, member.data.count <= limit else {
      throw damaged(member, "at most \(limit) bytes", "a claim of \(member.byteCount)")
    }
    let stored: [UInt8]
    do {
      stored = try ReadableFile(path).read(member.data)
    } catch {
      throw CheckpointError.reading(path, error)
    }
    let content: [UInt8]
    switch member.method {
    case .stored: content = stored
    case .deflated:
      guard let inflated = Self.inflate(stored, byteCount: member.byteCount) else {
        throw damaged(member, "\(member.byteCount) bytes by deflate", "damaged data")
      }
      content = inflated
    case .other(let method):
      throw damaged(member, "it stored or deflated", "compression method \(method)")
    }
    guard content.count == member.byteCount,
      libdeflate_crc32(0, content, content.count) == member.crc32
    else { throw damaged(member, "bytes of its checksum", "other bytes") }
    return content
  }

  private func damaged(
    _ member: Member, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot read", path: path, object: member.name, expected: expected, found: found)
  }

  private static func inflate(_ bytes: [UInt8], byteCount: Int) -> [UInt8]? {
    guard let decompressor = libdeflate_alloc_decompressor() else { return nil }
    defer { libdeflate_free_decompressor(decompressor) }
    var content = [UInt8](repeating: 0, count: byteCount)
    let result = content.withUnsafeMutableBytes {
      libdeflate_deflate_decompress(
        decompressor, bytes, bytes.count, $0.baseAddress, byteCount, nil)
    }
    return result == LIBDEFLATE_SUCCESS ? content : nil
  }
}

// MARK: - The directory

/// Walks the end record, its 64-bit form where there is one, and the directory.
private struct Directory {
  private(set) var members: [ZipArchive.Member] = []
  let offset: Int

  init(_ file: borrowing ReadableFile, path: String) throws {
    func damaged(_ found: String) -> CheckpointError {
      CheckpointError(
        .unreadable, "cannot read", path: path, object: "directory",
        expected: "a whole zip archive",
        found: found)
    }
    // The end record is followed by a comment of at most 65,535 bytes.
    let tailStart = max(0, file.byteCount - 22 - 65_535)
    let tail = Record(try file.read(tailStart..<file.byteCount))
    guard let end = tail.lastIndex(of: [0x50, 0x4b, 0x05, 0x06]), end + 22 <= tail.count else {
      throw damaged("no end of its directory: it is cut short")
    }
    var count = Int(tail.uint16(end + 10))
    var size = Int(tail.uint32(end + 12))
    var start = Int(tail.uint32(end + 16))
    if end >= 20, tail.uint32(end - 20) == 0x0706_4b50 {
      let recordStart = tail.uint64(end - 20 + 8)
      guard let first = Int(exactly: recordStart), first <= file.byteCount - 56 else {
        throw damaged("its 64-bit form outside the file")
      }
      let record = Record(try file.read(first..<first + 56))
      guard record.uint32(0) == 0x0606_4b50, let count64 = Int(exactly: record.uint64(32)),
        let size64 = Int(exactly: record.uint64(40)), let start64 = Int(exactly: record.uint64(48))
      else { throw damaged("its 64-bit form damaged") }
      (count, size, start) = (count64, size64, start64)
    }
    guard start <= file.byteCount, size <= file.byteCount - start else {
      throw damaged("it outside the file")
    }
    offset = start
    let directory = Record(try file.read(start..<start + size))
    var position = 0
    for _ in 0..<count {
      guard position + 46 <= directory.count, directory.uint32(position) == 0x0201_4b50 else {
        throw damaged("it damaged")
      }
      guard let entry = Entry(directory, at: position) else {
        throw damaged("it damaged")
      }
      position += entry.recordLength
      guard entry.headerOffset <= file.byteCount - 30 else {
        throw damaged("the member \(entry.name) outside the file")
      }
      let header = Record(try file.read(entry.headerOffset..<entry.headerOffset + 30))
      guard header.uint32(0) == 0x0403_4b50 else {
        throw damaged("the member \(entry.name) without a header")
      }
      let first =
        entry.headerOffset + 30 + Int(header.uint16(26)) + Int(header.uint16(28))
      guard first <= file.byteCount, entry.storedByteCount <= file.byteCount - first else {
        throw damaged("the member \(entry.name) outside the file")
      }
      members.append(
        .init(
          name: entry.name, method: entry.method, headerOffset: entry.headerOffset,
          data: first..<first + entry.storedByteCount,
          byteCount: entry.byteCount, crc32: entry.crc32,
          checksumOffsets: header.uint16(6) & 8 == 0
            ? [entry.headerOffset + 14, start + position - entry.recordLength + 16] : nil,
          record: directory.bytes(position - entry.recordLength..<position),
          offsetField: entry.offsetField))
    }
  }

  /// One entry of the directory.
  private struct Entry {
    let name: String
    let method: ZipArchive.Method
    let crc32: UInt32
    let storedByteCount: Int
    let byteCount: Int
    let headerOffset: Int
    let recordLength: Int
    /// Of the header's offset, inside the record.
    let offsetField: Range<Int>

    /// Nil when a length leads outside the directory or a size exceeds `Int`.
    init?(_ directory: Record, at position: Int) {
      let nameLength = Int(directory.uint16(position + 28))
      let extraLength = Int(directory.uint16(position + 30))
      let commentLength = Int(directory.uint16(position + 32))
      recordLength = 46 + nameLength + extraLength + commentLength
      guard position + recordLength <= directory.count else { return nil }
      name = directory.text(position + 46, count: nameLength)
      switch directory.uint16(position + 10) {
      case 0: method = .stored
      case 8: method = .deflated
      case let other: method = .other(other)
      }
      crc32 = directory.uint32(position + 16)
      // A field of all ones stands for a 64-bit one in the extra data, in this order.
      var wide = [
        UInt64(directory.uint32(position + 24)), UInt64(directory.uint32(position + 20)),
        UInt64(directory.uint32(position + 42)),
      ]
      var offsetField = 42..<46
      var extra = position + 46 + nameLength
      let extraEnd = extra + extraLength
      while extra + 4 <= extraEnd {
        let length = Int(directory.uint16(extra + 2))
        guard extra + 4 + length <= extraEnd else { return nil }
        if directory.uint16(extra) == 1 {
          var field = extra + 4
          for index in wide.indices where wide[index] == 0xffff_ffff {
            guard field + 8 <= extra + 4 + length else { return nil }
            wide[index] = directory.uint64(field)
            if index == 2 { offsetField = field - position..<field - position + 8 }
            field += 8
          }
        }
        extra += 4 + length
      }
      guard let byteCount = Int(exactly: wide[0]), let stored = Int(exactly: wide[1]),
        let header = Int(exactly: wide[2])
      else { return nil }
      self.byteCount = byteCount
      storedByteCount = stored
      headerOffset = header
      self.offsetField = offsetField
    }
  }
}

/// Little-endian fields of a piece of an archive.
private struct Record {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var count: Int { bytes.count }
  func bytes(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }
  func uint16(_ position: Int) -> UInt16 {
    UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8
  }
  func uint32(_ position: Int) -> UInt32 {
    UInt32(uint16(position)) | UInt32(uint16(position + 2)) << 16
  }
  func uint64(_ position: Int) -> UInt64 {
    UInt64(uint32(position)) | UInt64(uint32(position + 4)) << 32
  }
  func text(_ position: Int, count: Int) -> String {
    String(decoding: bytes[position..<position + count], as: UTF8.self)
  }
  func lastIndex(of pattern: [UInt8]) -> Int? {
    guard bytes.count >= pattern.count else { return nil }
    return stride(from: bytes.count - pattern.count, through: 0, by: -1).first {
      bytes[$0..<$0 + pattern.count].elementsEqual(pattern)
    }
  }
}
