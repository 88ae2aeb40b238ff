/// The last 32 bytes of a content with digests, behind what libhdf5 holds for the end of the file: where
/// the table of digests lies.
///
/// It lets the structure be checked before libhdf5 sees it, which crashes on some damaged files. Every
/// reader of HDF5 passes over it; libhdf5 cuts it off when it opens a file for writing.
struct EndMark {
  static let byteCount = 32
  private static let magic = Array("CAIRNEND".utf8)
  private static let formatVersion: UInt32 = 1

  /// Where the table lies in the content.
  let table: Range<Int>

  var bytes: [UInt8] {
    var writer = FieldWriter()
    writer.append(Self.magic)
    writer.uint32(Self.formatVersion)
    writer.uint64(UInt64(table.lowerBound))
    writer.uint64(UInt64(table.count))
    writer.uint32(CRC32C.checksum(of: writer.bytes))
    return writer.bytes
  }

  init(table: Range<Int>) { self.table = table }

  /// The mark of a content; nil without one, or with one that is not as it was written.
  init?(of content: borrowing FileContent) throws(SystemCallError) {
    guard content.byteCount >= Self.byteCount else { return nil }
    let end = content.byteCount - Self.byteCount
    let bytes = try content.read(end..<content.byteCount)
    let fields = FieldReader(bytes)
    guard bytes.prefix(8).elementsEqual(Self.magic),
      fields.uint32(28) == CRC32C.checksum(of: Array(bytes[..<28])),
      let offset = fields.int(12), let count = fields.int(20), offset <= end, count <= end - offset
    else { return nil }
    table = offset..<offset + count
  }
}

extension DigestTable {
  /// The end mark that belongs to the table.
  var endMark: EndMark { EndMark(table: offset..<offset + byteCount) }
}
