import Dispatch

/// One HDF5 content of a checkpoint, compared with its digests without libhdf5.
struct FileVerification {
  typealias Item = VerificationReport.Item

  private let place: ContentPlace
  /// Nil without an end mark, and where the table is damaged.
  let table: DigestTable?
  /// The outcomes of everything but the tensors.
  private(set) var items: [Item] = []

  var path: String { place.path }

  /// Whether the content's bytes stand nowhere in the file.
  var isCompressed: Bool { place.offset == nil }

  /// Whether the file may be opened: unless what libhdf5 parses, or a text that opening parses, is known to
  /// be damaged.
  func isReadable() throws(SystemCallError) -> Bool {
    guard items.allSatisfy({ $0.outcome == .intact }) else { return false }
    let texts = (table?.records ?? []).filter {
      $0.kind == .dataset && $0.name.hasPrefix("/\(CairnGroup.textsPath)/")
    }
    return try verify(texts, threadCount: 1).allSatisfy { $0 == .intact }
  }

  /// - Parameter document: the content of a document beside the file; nil when there is none of the name.
  /// - Throws: `unreadable`, and `unsupported` for digests of a later version.
  init(
    _ place: ContentPlace, document: (String) throws -> [UInt8]?
  ) throws {
    self.place = place
    let path = place.path
    guard let content = try place.bytes() else {
      table = nil
      return
    }
    do {
      table = try DigestTable(of: content, path: path)
    } catch let error as CheckpointError where error.kind == .damaged {
      table = nil
      items = [Self.damagedTable(in: path, error.problem)]
    }
    guard let table else { return }
    for record in table.records where record.kind == .document {
      let found = try Self.undamaged(record.name, document)
      let isIntact = try table.holds(record, found)
      items.append(
        Item(
          subject: .document, name: record.name, file: path, fileOffset: nil,
          byteCount: record.byteCount,
          outcome: isIntact
            ? .intact
            : .damaged(found == nil ? "it is missing or unreadable" : Self.isOther, blocks: [])))
    }
    let isIntact = try table.holdsStructure(of: content)
    let extent = table.extents.reduce(0) { $0 + $1.count }
    items.append(
      Item(
        subject: .structure, name: "structure", file: path, fileOffset: nil,
        byteCount: table.contentByteCount - extent,
        outcome: isIntact ? .intact : .damaged(Self.isOther, blocks: [])))
    items.append(
      Item(
        subject: .digests, name: "digests", file: path,
        fileOffset: content.position(table.offset), byteCount: table.byteCount, outcome: .intact))
  }

  /// Walks through the file with libhdf5, and counts the table as damaged where its outline says something
  /// else. To be called where ``isReadable()`` only.
  ///
  /// Readers believe an outline that is in force, and the digests do not prove it: whoever wrote the table may
  /// have outlined another tree.
  mutating func checkOutline() throws {
    guard let table, table.isOutlineInForce, let offset = place.offset,
      let index = items.firstIndex(where: { $0.subject == .digests })
    else { return }
    let reason: String?
    if let tree = OutlinedTree(table, contentAt: offset) {
      reason = try tree.contradiction(to: place.open())
    } else {
      reason = "its outline has shapes that are not those of its records"
    }
    if let reason { items[index].outcome = .damaged(reason, blocks: []) }
  }

  static let isOther = "it is not what was written"

  /// A document that an archive says itself is damaged counts as missing.
  private static func undamaged(
    _ name: String, _ document: (String) throws -> [UInt8]?
  ) throws -> [UInt8]? {
    do {
      return try document(name)
    } catch let error as CheckpointError where error.kind == .unreadable {
      return nil
    }
  }

  static func damagedTable(in path: String, _ reason: String) -> Item {
    Item(
      subject: .digests, name: "digests", file: path, fileOffset: nil, byteCount: 0,
      outcome: .damaged(reason, blocks: []))
  }
}

// MARK: - Tensors

extension FileVerification {
  /// Reads tensors and compares them, on several threads.
  ///
  /// - Returns: an outcome for each record.
  func verify(
    _ records: [DigestTable.Record], threadCount: Int
  ) throws(SystemCallError) -> [VerificationReport.Outcome] {
    guard let table, let content = try place.bytes() else {
      return records.map { _ in .notCovered }
    }
    let pieces = records.indices.flatMap { index in
      (0..<records[index].digestCount).map { (record: index, block: $0) }
    }
    let found = FoundDamage()
    let readers = max(1, min(threadCount, pieces.count))
    DispatchQueue.concurrentPerform(iterations: readers) { reader in
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: DigestTable.blockByteCount, alignment: 64)
      defer { buffer.deallocate() }
      for index in stride(from: reader, to: pieces.count, by: readers) {
        let (record, block) = (records[pieces[index].record], pieces[index].block)
        let range = record.range(ofBlock: block)
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
        do throws(SystemCallError) {
          try content.read(into: piece, at: record.offset + range.lowerBound)
        } catch {
          return found.fail(error)
        }
        let digests = TensorDigests(table: table, record: record)
        for damage in digests.damage(in: .init(piece), from: range.lowerBound) {
          found.add(damage, to: pieces[index].record)
        }
      }
    }
    return try found.outcomes(records.count)
  }

  /// Where a tensor begins in the file.
  func position(of record: DigestTable.Record) -> Int {
    (place.offset ?? 0) + record.offset
  }
}

extension VerificationReport.Outcome {
  /// What the damaged blocks of a tensor make of it.
  init(_ blocks: [TensorDamage]) {
    let blocks = blocks.sorted { $0.block < $1.block }
    guard let first = blocks.first else {
      self = .intact
      return
    }
    let others = blocks.count > 1 ? ", and \(blocks.count - 1) more blocks" : ""
    self = .damaged("\(first)\(others)", blocks: blocks)
  }
}
