extension DigestTable {
  /// The table of a damaged file, wherever it is, and where the content begins to which it belongs.
  ///
  /// The mark at the end leads to it in a file that is whole; in others it is found by its first bytes. Its
  /// root proves it either way. Nil when there is none.
  static func salvage(
    from path: String, contentAt start: Int
  ) throws(SystemCallError) -> (table: DigestTable, contentOffset: Int)? {
    let file = try ReadableFile(path)
    var position = 0
    var found: (table: DigestTable, contentOffset: Int)?
    while let place = try file.position(of: magic, from: position) {
      position = place + magic.count
      guard let table = try table(in: file, at: place), place >= table.offset else { continue }
      let content = place - table.offset
      // A file may hold what another one was: the table of this content counts.
      if found == nil || content == start { found = (table, content) }
      position = place + table.byteCount
    }
    return found
  }

  private static func table(
    in file: borrowing ReadableFile, at place: Int
  ) throws(SystemCallError) -> DigestTable? {
    let headCount = 64
    guard place + headCount <= file.byteCount else { return nil }
    let head = FieldReader(try file.read(place..<place + headCount))
    guard let count = head.int(40), count >= headCount, count <= file.byteCount - place else {
      return nil
    }
    return try? DigestTable(decoding: file.read(place..<place + count))
  }
}
