import HDF5
import Tensors

/// The digests in copies of a checkpoint's files, kept true while the copies are changed.
///
/// Only what is changed gets new digests: damage that the original has stays visible in the copy.
struct CopiedDigests {
  private let copies: [String]
  /// Where the HDF5 content lies in a copy; nil for all of it.
  private let window: Range<Int>?
  private var tables: [DigestTable?] = []

  /// - Parameters:
  ///   - copies: before any change.
  ///   - window: where the HDF5 content lies in the one copy; nil for all of each.
  /// - Throws: `damaged`, and `unsupported` for an archive whose digests belong to another file.
  init(in copies: [String], window: Range<Int>?) throws {
    self.copies = copies
    self.window = window
    for copy in copies {
      let table = try DigestTable(of: FileContent(copy, window: window), path: copy)
      if table == nil { try removeStaleTable(from: copy) }
      tables.append(table)
    }
  }

  /// Another program has written the file since, so that nobody knows what its digests are worth once
  /// tensors are exchanged.
  private func removeStaleTable(from copy: String) throws {
    if let window {
      let file = try HDF5File.open(copy, window: window)
      guard try file.root().exists(DigestTable.path) else { return }
      throw CheckpointError(
        .unsupported, "cannot restore into", path: copy, object: DigestTable.path,
        problem: "another program has written the archive since its digests were computed",
        cure: "convert it to another profile first")
    }
    let isThere = try HDF5File.open(copy).root().exists(DigestTable.path)
    guard isThere else { return }
    let file = try HDF5File.openForUpdate(copy, isLocked: false)
    do { try file.root().remove(DigestTable.path) }
    try file.close()
  }

  /// Takes the digests of a tensor that one of the copies gets.
  mutating func renew(_ entry: CheckpointEntry, of copy: Int, _ tensor: Tensor) {
    tensor.withUnsafeBytes { tables[copy]?.renewDigests(ofDataset: entry.datasetPath, $0) }
  }

  /// Takes the digests of a tensor that one of the copies gets piece by piece.
  mutating func renew(_ entry: CheckpointEntry, of copy: Int, _ renewed: consuming RenewedDigests) {
    for (block, digest) in renewed.digests {
      guard let record = tables[copy]?.record(entry.datasetPath) else { return }
      tables[copy]?.setDigest(record.firstDigest + block, digest)
    }
  }

  /// To be given the new elements of a tensor; nil where no digests cover it.
  func renewal(of entry: CheckpointEntry, in copy: Int) -> RenewedDigests? {
    guard let table = tables[copy], let record = table.record(entry.datasetPath) else { return nil }
    return RenewedDigests(record, table.algorithm)
  }

  /// Changes the structure of the copies.
  ///
  /// - Throws: `damaged` when it is not what was written, since the new digests would hide that.
  mutating func renewingStructure(_ change: () throws -> Void) throws {
    for (copy, table) in zip(copies, tables) {
      guard let table else { continue }
      try Self.require(
        try table.holdsStructure(of: FileContent(copy, window: window)), copy, "structure")
    }
    try change()
    for (index, copy) in copies.enumerated() {
      try tables[index]?.takeStructure(of: FileContent(copy, window: window))
    }
  }

  /// Changes a document beside the only copy.
  ///
  /// - Parameter checkpoint: finds the document.
  /// - Throws: `damaged`, as above.
  mutating func renewing(
    _ document: String, of checkpoint: LocatedCheckpoint, _ change: () throws -> Void
  ) throws {
    if let table = tables[0], let record = table.record(document) {
      try Self.require(
        try table.holds(record, checkpoint.document(document)), copies[0], document)
    }
    try change()
    // An archive has its documents elsewhere now.
    let changed = try checkpoint.reopened().document(document) ?? []
    tables[0]?.renewDigest(ofDocument: document, changed)
  }

  private static func require(
    _ isWhole: Bool, _ copy: String, _ object: String
  ) throws(CheckpointError) {
    guard isWhole else {
      throw CheckpointError(
        .damaged, "cannot restore into", path: copy, object: object,
        problem: "what is to be changed is not what was written",
        cure: "take another copy of the target")
    }
  }

  /// Writes the digests.
  func finish() throws(SystemCallError) {
    for (copy, table) in zip(copies, tables) {
      try table?.write(to: copy, contentAt: window?.lowerBound ?? 0)
    }
  }
}

/// The digests of a tensor that is given piece by piece, from its first byte to its last.
struct RenewedDigests: ~Copyable {
  private let record: DigestTable.Record
  private var digest: RunningDigest
  private var position = 0
  /// Of the blocks that are complete.
  private(set) var digests: [(block: Int, digest: [UInt8])] = []

  init(_ record: DigestTable.Record, _ algorithm: DigestAlgorithm) {
    self.record = record
    digest = RunningDigest(algorithm)
  }

  mutating func update(_ piece: UnsafeRawBufferPointer) {
    var rest = piece[...]
    while !rest.isEmpty, position < record.byteCount {
      let block = position / DigestTable.blockByteCount
      let end = record.range(ofBlock: block).upperBound
      let part = rest.prefix(end - position)
      digest.update(UnsafeRawBufferPointer(rebasing: part))
      position += part.count
      rest = rest.dropFirst(part.count)
      if position == end { digests.append((block, digest.finalize())) }
    }
  }
}
