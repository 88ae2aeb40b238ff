extension DigestTable {
  /// Where the elements of the datasets and the table itself lie in the content, in order of place.
  var extents: [Range<Int>] {
    var extents = records.filter { $0.kind == .dataset && $0.byteCount > 0 }.map {
      $0.offset..<$0.offset + $0.byteCount
    }
    extents.append(offset..<offset + byteCount)
    return extents.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// Digest of all bytes of the content that lie in no extent.
  ///
  /// - Throws: `EIO` when the file is shorter than it was.
  func structureDigest(of content: borrowing FileContent) throws(SystemCallError) -> [UInt8] {
    var digest = RunningDigest(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    var position = 0
    for extent in extents + [contentByteCount..<contentByteCount] {
      while position < extent.lowerBound {
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, extent.lowerBound - position)])
        try content.read(into: piece, at: position)
        digest.update(UnsafeRawBufferPointer(piece))
        position += piece.count
      }
      position = extent.upperBound
    }
    return digest.finalize()
  }

  /// Takes the size and the structure of a file as they are.
  mutating func takeStructure(of content: borrowing FileContent) throws(SystemCallError) {
    contentByteCount = content.byteCount
    if try EndMark(of: content) != nil { contentByteCount -= EndMark.byteCount }
    setDigest(0, try structureDigest(of: content))
  }

  /// Whether the structure of a file is the one that was written.
  func holdsStructure(of content: borrowing FileContent) throws(SystemCallError) -> Bool {
    // The end mark follows the content.
    guard content.byteCount >= contentByteCount else { return false }
    return try structureDigest(of: content).elementsEqual(digest(0))
  }
}
