import CDeflate
import CSystem

#if !canImport(Glibc)
  import Darwin
#endif

/// The members of a zip archive, found by its directory, or by their own headers where the directory is
/// lost.
struct SalvagedArchive {
  let path: String
  private(set) var members: [Member] = []
  /// What is wrong with the archive itself.
  private(set) var notes: [String] = []

  struct Member {
    let name: String
    let method: ZipArchive.Method
    /// What of its data the file holds.
    let data: Range<Int>
    /// Bytes once decompressed, and their CRC-32; nil where nothing tells.
    let byteCount: Int?
    let crc32: UInt32?
    /// Whether the file holds all of its data.
    let isWhole: Bool
  }

  subscript(name: String) -> Member? { members.first { $0.name == name } }

  init(_ path: String) throws(SystemCallError) {
    self.path = path
    do throws(CheckpointError) {
      members = try ZipArchive(reading: path).members.map { member in
        Member(
          name: member.name, method: member.method, data: member.data,
          byteCount: member.byteCount, crc32: member.crc32, isWhole: true)
      }
    } catch {
      notes.append("the archive's directory: \(error.problem); its members' own headers stand in")
      members = try Self.scan(path)
    }
  }

  // MARK: - Local headers

  private static let headerSignature: [UInt8] = [0x50, 0x4b, 0x03, 0x04]
  private static let directorySignature: [UInt8] = [0x50, 0x4b, 0x01, 0x02]

  /// Goes from header to header; where one does not lead to the next, by their signatures. (APPNOTE 6.3.10,
  /// 4.3.7.)
  private static func scan(_ path: String) throws(SystemCallError) -> [Member] {
    let file = try ReadableFile(path)
    var members: [Member] = []
    var position = 0
    while let start = try file.position(of: headerSignature, from: position) {
      guard let header = try LocalHeader(file, at: start) else {
        position = start + 4
        continue
      }
      let claimed = header.storedByteCount.map { header.dataOffset + $0 }
      let end: Int
      if let claimed, try leads(file, to: claimed) {
        end = claimed
      } else {
        // The size is lost, or stands behind the data, as in archives that were written to a pipe.
        let next = try file.position(of: headerSignature, from: header.dataOffset)
        let directory = try file.position(of: directorySignature, from: header.dataOffset)
        end = min(next ?? file.byteCount, directory ?? file.byteCount)
      }
      members.append(
        Member(
          name: header.name, method: header.method,
          data: header.dataOffset..<min(max(header.dataOffset, end), file.byteCount),
          byteCount: header.byteCount, crc32: header.crc32,
          isWhole: claimed == end && end <= file.byteCount))
      position = max(min(end, file.byteCount), start + 30)
    }
    return members
  }

  /// Whether a member may end there: another part of an archive begins, or the file is cut short.
  private static func leads(
    _ file: borrowing ReadableFile, to position: Int
  ) throws(SystemCallError) -> Bool {
    guard position < file.byteCount else { return true }
    let bytes = try file.read(position..<min(position + 2, file.byteCount))
    return bytes.elementsEqual([0x50, 0x4b].prefix(bytes.count))
  }

  private struct LocalHeader {
    let name: String
    let method: ZipArchive.Method
    let dataOffset: Int
    let storedByteCount: Int?
    let byteCount: Int?
    let crc32: UInt32?

    /// Nil for bytes that are none.
    init?(_ file: borrowing ReadableFile, at start: Int) throws(SystemCallError) {
      guard start + 30 <= file.byteCount else { return nil }
      let fixed = FieldReader(try file.read(start..<start + 30))
      let nameCount = Int(fixed.uint32(26) & 0xffff)
      let extraCount = Int(fixed.uint32(26) >> 16)
      let end = start + 30 + nameCount + extraCount
      guard nameCount > 0, nameCount < 4096, end <= file.byteCount else { return nil }
      let rest = try file.read(start + 30..<end)
      guard let name = String(validating: rest.prefix(nameCount), as: UTF8.self) else {
        return nil
      }
      self.name = name
      switch fixed.uint32(8) & 0xffff {
      case 0: method = .stored
      case 8: method = .deflated
      case let other: method = .other(UInt16(other))
      }
      dataOffset = end
      if fixed.uint32(6) & 8 != 0 {
        (storedByteCount, byteCount, crc32) = (nil, nil, nil)
        return
      }
      crc32 = fixed.uint32(14)
      var sizes = [UInt64(fixed.uint32(22)), UInt64(fixed.uint32(18))]
      // A field of all ones stands for a 64-bit one in the extra data.
      let extra = FieldReader(Array(rest.dropFirst(nameCount)))
      var position = 0
      while extra.has(position + 4) {
        let (tag, count) = (extra.uint32(position) & 0xffff, Int(extra.uint32(position) >> 16))
        var field = position + 4
        if tag == 1 {
          for index in sizes.indices
          where sizes[index] == 0xffff_ffff && field + 8 <= position + 4 + count
            && extra.has(field + 8)
          {
            sizes[index] = UInt64(clamping: extra.int(field) ?? 0)
            field += 8
          }
        }
        position += 4 + count
      }
      byteCount = Int(exactly: sizes[0])
      storedByteCount = Int(exactly: sizes[1]).flatMap { $0 <= Int.max / 2 ? $0 : nil }
    }
  }
}

// MARK: - Contents

extension SalvagedArchive {
  /// Whether a stored member's bytes are those of its checksum; nil where nothing tells.
  func matchesChecksum(_ member: Member) throws(SystemCallError) -> Bool? {
    guard member.method == .stored, let crc32 = member.crc32 else { return nil }
    guard member.isWhole else { return false }
    let file = try ReadableFile(path)
    var found: UInt32 = 0
    for start in stride(from: member.data.lowerBound, to: member.data.upperBound, by: 1 << 20) {
      let bytes = try file.read(start..<min(start + 1 << 20, member.data.upperBound))
      found = libdeflate_crc32(found, bytes, bytes.count)
    }
    return found == crc32
  }

  /// A document, whole; nil without one, or with one that is damaged.
  func document(_ name: String) throws(SystemCallError) -> [UInt8]? {
    guard let member = self[name], member.isWhole, let count = member.byteCount,
      let crc32 = member.crc32, member.data.count <= 256 << 20, count <= 256 << 20
    else { return nil }
    let stored = try ReadableFile(path).read(member.data)
    var content = stored
    if member.method == .deflated {
      let (inflated, isWhole) = PartialInflation.inflate(stored, atMost: count)
      guard isWhole else { return nil }
      content = inflated
    }
    guard content.count == count, libdeflate_crc32(0, content, content.count) == crc32 else {
      return nil
    }
    return content
  }
}

extension ReadableFile {
  /// Where a pattern stands first, from a position on.
  func position(
    of pattern: [UInt8], from start: Int
  ) throws(SystemCallError) -> Int? {
    var position = start
    while position + pattern.count <= byteCount {
      let piece = try read(position..<min(position + 1 << 20, byteCount))
      let found = piece.withUnsafeBytes { bytes -> Int? in
        pattern.withUnsafeBytes { pattern -> Int? in
          memmem(bytes.baseAddress, bytes.count, pattern.baseAddress, pattern.count).map {
            UnsafeRawPointer($0) - bytes.baseAddress!
          }
        }
      }
      if let found { return position + found }
      guard position + piece.count < byteCount else { return nil }
      position += piece.count - pattern.count + 1
    }
    return nil
  }
}
