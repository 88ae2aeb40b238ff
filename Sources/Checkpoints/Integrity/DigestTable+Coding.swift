extension DigestTable {
  static let magic = Array("CAIRNDIG".utf8)
  static let latestVersion: UInt32 = 2
  /// The head without the root.
  private static let headByteCount = 64
  static let rootByteCount = 32
  /// The head of a record, before its name.
  private static let recordHeadByteCount = 24

  /// Bytes of the whole table.
  var byteCount: Int {
    Self.headByteCount + Self.rootByteCount + records.reduce(0) { $0 + $1.encodedByteCount }
      + (outline?.byteCount ?? 0) + digestCount * algorithm.byteCount
  }

  /// The second brought the outline.
  private var formatVersion: UInt32 { outline == nil ? 1 : 2 }
}

// MARK: - Writing

extension DigestTable {
  /// The first bytes, which the root covers and does not belong to.
  var head: [UInt8] {
    var writer = FieldWriter()
    writer.append(Self.magic)
    writer.uint32(formatVersion)
    writer.uint32(algorithm.identifier)
    for field in [
      Self.blockByteCount, contentByteCount, offset, byteCount, records.count, digestCount,
    ] {
      writer.uint64(UInt64(field))
    }
    return writer.bytes
  }

  /// The whole table.
  var bytes: [UInt8] { bytes(root: root) }

  private func bytes(root: [UInt8]) -> [UInt8] {
    var writer = FieldWriter()
    writer.reserveCapacity(byteCount)
    writer.append(head)
    writer.append(root)
    for record in records { record.append(to: &writer) }
    if let outline { writer.append(outline.bytes) }
    writer.append(digests)
    return writer.bytes
  }
}

extension DigestTable.Record {
  var encodedByteCount: Int { 24 + (name.utf8.count + 7) / 8 * 8 }

  /// Writes the record as it stands in the table: kind, length of the name, offset, length, name, zeros up
  /// to a multiple of 8.
  func append(to writer: inout FieldWriter) {
    let start = writer.bytes.count
    writer.uint32(kind.rawValue)
    writer.uint32(UInt32(name.utf8.count))
    writer.uint64(UInt64(offset))
    writer.uint64(UInt64(byteCount))
    writer.append(name.utf8)
    writer.zeros(start + encodedByteCount - writer.bytes.count)
  }
}

// MARK: - Reading

extension DigestTable {
  /// Why bytes are no table.
  enum Problem: Error {
    /// Of a later version of Cairn; the text says what is new.
    case later(String)
    /// Not as it was written.
    case damaged
  }

  /// Reads a table, and proves by its root that it is as it was written.
  init(decoding bytes: [UInt8]) throws(Problem) {
    let fields = FieldReader(bytes)
    guard fields.has(Self.headByteCount + Self.rootByteCount),
      bytes.prefix(8).elementsEqual(Self.magic)
    else { throw .damaged }
    let version = fields.uint32(8)
    guard version >= 1 else { throw .damaged }
    guard version <= Self.latestVersion else { throw .later("version \(version)") }
    let identifier = fields.uint32(12)
    guard let algorithm = DigestAlgorithm(identifier: identifier) else {
      throw .later("algorithm \(identifier)")
    }
    guard fields.int(16) == Self.blockByteCount, let contentByteCount = fields.int(24),
      let offset = fields.int(32), fields.int(40) == bytes.count, let count = fields.int(48),
      let digestCount = fields.int(56), count <= bytes.count / Self.recordHeadByteCount
    else { throw .damaged }
    var records: [Record] = []
    records.reserveCapacity(count)
    var position = Self.headByteCount + Self.rootByteCount
    var firstDigest = 0
    for _ in 0..<count {
      guard let record = fields.record(at: position, firstDigest: firstDigest) else {
        throw .damaged
      }
      records.append(record)
      position += record.encodedByteCount
      // No more blocks than a table has bytes, so that nothing overflows.
      guard record.digestCount <= bytes.count else { throw .damaged }
      firstDigest += record.digestCount
    }
    var outline: Outline?
    if version > 1 {
      let datasetCount = records.count { $0.kind == .dataset }
      guard
        let decoded = Outline(
          decoding: fields, at: &position, datasetCount: datasetCount, algorithm)
      else { throw .damaged }
      outline = decoded
    }
    guard firstDigest == digestCount, digestCount <= bytes.count,
      position + digestCount * algorithm.byteCount == bytes.count
    else { throw .damaged }
    self.init(
      algorithm: algorithm, contentByteCount: contentByteCount, offset: offset, records: records,
      digests: Array(bytes[position...]), outline: outline)
    // Encoding it again compares the padding, too.
    let root = Array(bytes[Self.headByteCount..<Self.headByteCount + Self.rootByteCount])
    guard self.root == root, isPlausible, self.bytes(root: root) == bytes else { throw .damaged }
  }

  /// Whether all places lie inside the content, none over another.
  private var isPlausible: Bool {
    var end = 0
    for extent in extents {
      guard extent.lowerBound >= end, extent.upperBound <= contentByteCount else { return false }
      end = extent.upperBound
    }
    return records.first?.kind == .structure
  }
}

extension FieldReader {
  /// Nil for what is no record.
  fileprivate func record(at position: Int, firstDigest: Int) -> DigestTable.Record? {
    guard has(position + 24), let kind = DigestTable.Record.Kind(rawValue: uint32(position)),
      let offset = int(position + 8), let byteCount = int(position + 16),
      offset <= Int.max / 2, byteCount <= Int.max / 2
    else { return nil }
    let nameByteCount = Int(uint32(position + 4))
    guard has(position + 24 + (nameByteCount + 7) / 8 * 8),
      let name = String(
        validating: bytes[position + 24..<position + 24 + nameByteCount], as: UTF8.self)
    else { return nil }
    return DigestTable.Record(
      kind: kind, name: name, offset: offset, byteCount: byteCount, firstDigest: firstDigest)
  }
}

/// Little-endian fields of a piece of a file. Ask ``has(_:)`` first.
struct FieldReader {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Whether there are bytes up to `end`.
  func has(_ end: Int) -> Bool { end <= bytes.count }

  func uint32(_ position: Int) -> UInt32 { load(position) }

  /// A 64-bit number; nil for one that no length can be.
  func int(_ position: Int) -> Int? { Int(exactly: load(position) as UInt64) }

  private func load<Value: FixedWidthInteger & BitwiseCopyable>(_ position: Int) -> Value {
    precondition(position >= 0 && position + MemoryLayout<Value>.size <= bytes.count)
    return bytes.withUnsafeBytes {
      Value(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Value.self))
    }
  }
}
