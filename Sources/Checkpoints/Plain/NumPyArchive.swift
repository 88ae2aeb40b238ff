import KerasConfiguration
import Tensors

/// A `.npz`: a zip archive of `.npy` arrays, each member called after its array.
enum NumPyArchive {
  static let suffix = ".npy"
  /// The array of one text that says what the others are: see ``PlainMetadata``.
  static let metadataName = "__metadata__"

  /// Whether an archive holds nothing but arrays.
  static func isLaidOut(_ archive: ZipArchive) -> Bool {
    !archive.members.isEmpty && archive.members.allSatisfy { $0.name.hasSuffix(suffix) }
  }

  /// - Throws: `unreadable` for arrays that contradict the archive.
  static func open(_ archive: ZipArchive) throws -> PlainTensors {
    let path = archive.path
    let file = try ReadableFile(path)
    var items: [PlainTensors.Item] = []
    var metadata: PlainMetadata?
    var seen: Set<String> = []
    for member in archive.members {
      let name = String(member.name.dropLast(suffix.count))
      guard seen.insert(name).inserted else {
        throw damaged(path, member, "it once in the archive", "it twice")
      }
      let content = try head(of: member, file, archive)
      guard let header = NumPyHeader(content) else {
        throw damaged(path, member, "an array of NumPy", "none")
      }
      guard let size = header.elementByteCount else {
        throw damaged(path, member, "elements of a known type", header.descriptor)
      }
      let (byteCount, overflow) = header.shape.elementCount.multipliedReportingOverflow(by: size)
      guard !overflow, byteCount == member.byteCount - header.byteCount else {
        throw damaged(
          path, member,
          "the bytes of \(header.descriptor) of shape \(header.shape)",
          "\(member.byteCount - header.byteCount)")
      }
      if name == metadataName, header.descriptor.hasPrefix("<U"), header.shape.rank == 0 {
        let whole = try archive.content(of: member)
        metadata = try PlainMetadata(
          parsing: text(ofUTF32: whole[header.byteCount...]), path: path)
        continue
      }
      let data = header.byteCount..<member.byteCount
      items.append(
        PlainTensors.Item(
          name: name, shape: header.shape, dtype: header.dtype, storedType: header.descriptor,
          place: member.method == .stored
            ? .file(
              member.data.lowerBound + data.lowerBound..<member.data.lowerBound + data.upperBound)
            : .member(member, data),
          isBigEndian: header.isBigEndian, isColumnMajor: header.isColumnMajor))
    }
    return PlainTensors(
      path: path, layout: .npz, items: items, metadata: metadata, file: file, archive: archive)
  }

  /// The beginning of a stored member, the whole of a compressed one.
  private static func head(
    of member: ZipArchive.Member, _ file: borrowing ReadableFile, _ archive: ZipArchive
  ) throws -> [UInt8] {
    guard member.method == .stored else {
      // Deflate makes at most 1032 bytes of one.
      guard member.byteCount / 1032 <= member.data.count + 1 else {
        throw damaged(
          archive.path, member, "as many bytes as are stored", "a claim of \(member.byteCount)")
      }
      return try archive.content(of: member, limit: .max)
    }
    guard member.byteCount == member.data.count else {
      throw damaged(
        archive.path, member, "as many bytes as are stored", "a claim of \(member.byteCount)")
    }
    let count = min(member.data.count, NumPyHeader.byteCountLimit)
    return try file.read(member.data.lowerBound..<member.data.lowerBound + count)
  }

  static func text(ofUTF32 bytes: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    var position = bytes.startIndex
    while position + 4 <= bytes.endIndex {
      let value = bytes[position..<position + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
      if value != 0, let scalar = Unicode.Scalar(value) { text.append(scalar) }
      position += 4
    }
    return String(text)
  }

  private static func damaged(
    _ path: String, _ member: ZipArchive.Member, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .unreadable, "cannot read", path: path, object: member.name, expected: expected, found: found)
  }
}
