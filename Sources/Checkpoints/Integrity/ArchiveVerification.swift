import CDeflate

/// The bytes of an archive around the data of its members: headers, padding, directory.
///
/// No digest can cover them, since a header holds the checksum of the content with the digests in it. They
/// follow from the members' names, places, sizes and checksums, so they are computed anew and compared.
struct ArchiveVerification: ~Copyable {
  private let archive: ZipArchive
  private let file: ReadableFile

  init(_ archive: ZipArchive) throws(SystemCallError) {
    self.archive = archive
    file = try ReadableFile(archive.path)
  }

  /// - Parameter covered: the names of members whose content a digest covers; that of the others is compared
  ///   with the archive's checksums.
  func item(covered: Set<String>) throws -> VerificationReport.Item {
    var byteCount = file.byteCount
    for member in archive.members { byteCount -= member.data.count }
    return VerificationReport.Item(
      subject: .archive, name: "archive", file: archive.path, fileOffset: nil,
      byteCount: byteCount, outcome: try outcome(covered: covered))
  }

  private func outcome(covered: Set<String>) throws -> VerificationReport.Outcome {
    for member in archive.members where !covered.contains(member.name) {
      guard try hasItsChecksum(member) else {
        return .damaged("the content of \(member.name) has another checksum", blocks: [])
      }
    }
    let directory = archive.members.flatMap(\.written.directoryRecord)
    let place = archive.directoryOffset..<archive.directoryOffset + directory.count
    let end = ZipArchive.endRecords(count: archive.members.count, directory: place)
    let hasOwnDirectory = try holds(directory, at: place.lowerBound)
    let hasOwnEnd =
      try holds(end, at: place.upperBound) && file.byteCount == place.upperBound + end.count
    if hasOwnDirectory || hasOwnEnd {
      // Cairn's, then, and no accident changes both.
      if !hasOwnDirectory { return .damaged("the directory is not what was written", blocks: []) }
      if !hasOwnEnd {
        return .damaged("the end of the directory is not what was written", blocks: [])
      }
      return try headerOutcome()
    }
    for member in archive.members {
      let header = try file.read(member.headerOffset..<member.data.lowerBound)
      guard member.agrees(withHeader: header) else {
        return .damaged(
          "the header of \(member.name) and the directory do not say the same", blocks: [])
      }
    }
    return .notCovered
  }

  /// Whether every byte before the directory that is no member's data is what Cairn writes there.
  private func headerOutcome() throws -> VerificationReport.Outcome {
    var position = 0
    for member in archive.members.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      let isPadded = position == 0 && member.data.lowerBound == ArchiveLayout.weightsOffset
      let header = member.written.localHeader(dataAt: isPadded ? member.data.lowerBound : nil)
      guard member.headerOffset == position, position + header.count == member.data.lowerBound,
        try holds(header, at: position)
      else { return .damaged("the header of \(member.name) is not what was written", blocks: []) }
      position = member.data.upperBound
    }
    guard position == archive.directoryOffset else {
      return .damaged("there is something between the members and the directory", blocks: [])
    }
    return .intact
  }

  private func holds(_ bytes: [UInt8], at position: Int) throws -> Bool {
    guard position + bytes.count <= file.byteCount else { return false }
    return try file.read(position..<position + bytes.count) == bytes
  }

  private func hasItsChecksum(_ member: ZipArchive.Member) throws -> Bool {
    // The others are compared as they are inflated.
    guard member.method == .stored else { return true }
    var crc: UInt32 = 0
    var position = member.data.lowerBound
    while position < member.data.upperBound {
      let piece = try file.read(position..<min(position + 1 << 20, member.data.upperBound))
      crc = libdeflate_crc32(crc, piece, piece.count)
      position += piece.count
    }
    return crc == member.crc32
  }
}

extension ZipArchive.Member {
  /// The member as Cairn would have written it.
  fileprivate var written: ZipArchive.Entry {
    ZipArchive.Entry(name: name, crc32: crc32, byteCount: byteCount, headerOffset: headerOffset)
  }

  /// Whether a header says of the member what the directory says; what stands behind the data where the
  /// header does not know it yet is not looked at.
  fileprivate func agrees(withHeader header: [UInt8]) -> Bool {
    let fields = FieldReader(header)
    let (local, central) = (header[6..<18], record[8..<20])
    let nameEnd = 30 + Int(header[26]) + Int(header[27]) << 8
    guard nameEnd <= header.count, String(decoding: header[30..<nameEnd], as: UTF8.self) == name
    else { return false }
    if fields.uint32(6) & 8 != 0 { return local.prefix(8).elementsEqual(central.prefix(8)) }
    return local.elementsEqual(central)
  }
}
