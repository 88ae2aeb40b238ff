import HDF5

extension DigestTable {
  /// Where the elements of the datasets and the table itself lie in the content, in order of place.
  var extents: [Range<Int>] {
    var extents = records.filter { $0.kind == .dataset && $0.byteCount > 0 }.map {
      $0.offset..<$0.offset + $0.byteCount
    }
    extents.append(offset..<offset + byteCount)
    return extents.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// What lies between the extents: the structure.
  var gaps: [Range<Int>] {
    var gaps: [Range<Int>] = []
    var position = 0
    for extent in extents {
      if position < extent.lowerBound { gaps.append(position..<extent.lowerBound) }
      position = extent.upperBound
    }
    if position < contentByteCount { gaps.append(position..<contentByteCount) }
    return gaps
  }
}

// MARK: - In files

extension DigestTable {
  /// - Throws: `EIO` when the file is shorter than it was.
  private func structureDigest(
    of content: borrowing FileContent
  ) throws(SystemCallError) -> [UInt8] {
    var digest = RunningDigest(algorithm)
    let gaps = gaps
    let longest = gaps.lazy.map(\.count).max() ?? 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(max(longest, 1), 1 << 18), alignment: 64)
    defer { buffer.deallocate() }
    for gap in gaps {
      for start in stride(from: gap.lowerBound, to: gap.upperBound, by: buffer.count) {
        let piece = UnsafeMutableRawBufferPointer(
          rebasing: buffer[..<min(buffer.count, gap.upperBound - start)])
        try content.read(into: piece, at: start)
        digest.update(UnsafeRawBufferPointer(piece))
      }
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

// MARK: - In memory

extension DigestTable {
  /// Takes the structure of a file that is laid out in memory.
  ///
  /// - Parameter start: where the content begins in the image.
  mutating func takeStructure(of image: HDF5Image, contentAt start: Int) {
    contentByteCount = image.byteCount - start
    var digest = RunningDigest(algorithm)
    for gap in gaps {
      var segments: [UnsafeRawBufferPointer] = []
      image.append(start + gap.lowerBound..<start + gap.upperBound, to: &segments)
      for segment in segments { digest.update(segment) }
    }
    setOutlinedStructure(digest.finalize())
  }
}
