import HDF5
import Tensors

// MARK: - Opening

extension OpenFile {
  /// Opens the HDF5 content of a checkpoint.
  ///
  /// With digests in it, structure and documents are compared with them first: libhdf5 sees only what was
  /// written. The tensors are compared as they are read.
  ///
  /// - Parameters:
  ///   - place: where the content stands.
  ///   - document: the content of a document beside it; nil when there is none of the name.
  /// - Throws: `damaged`.
  static func open(
    _ place: ContentPlace, verifying: Bool,
    document: (String) throws -> [UInt8]? = { _ in nil }
  ) throws -> OpenFile {
    var table: DigestTable?
    // What cannot be opened is left to libhdf5, which finds the better words for it.
    if verifying, let content = try? place.bytes() {
      table = try DigestTable.checked(content, path: place.path, document: document)
    }
    // Its structure is the one that was written, and so its outline says what libhdf5 would.
    let outline = table.flatMap { table in
      place.offset.flatMap { OutlinedTree(table, contentAt: $0) }
    }
    let file = try place.open()
    guard verifying else { return OpenFile(file) }
    if table == nil { table = try DigestTable(inside: file) }
    try table?.checkWhatOpeningReads(file)
    return OpenFile(file, digests: table, outline: outline)
  }
}

extension DigestTable {
  /// The table of a content whose structure and documents are what was written; nil without an end mark.
  fileprivate static func checked(
    _ content: borrowing FileContent, path: String, document: (String) throws -> [UInt8]?
  ) throws -> DigestTable? {
    guard let table = try DigestTable(of: content, path: path) else { return nil }
    guard try table.holdsStructure(of: content) else {
      throw CheckpointError(
        .damaged, "cannot read", path: path,
        problem: "the structure around the tensors (headers, names, attributes) is not what was"
          + " written",
        cure: CheckpointError.damageCure)
    }
    for record in table.records where record.kind == .document {
      let found = try document(record.name)
      if try !table.holds(record, found) {
        throw CheckpointError(
          .damaged, "cannot read", path: path, object: record.name,
          problem: found == nil ? "it is missing" : "it is not what was written",
          cure: CheckpointError.damageCure)
      }
    }
    return table
  }

  /// Checks the datasets whose elements are read when a checkpoint is opened: scalars such as the count of
  /// updates, and the arrays of Cairn's own group.
  fileprivate func checkWhatOpeningReads(_ file: borrowing HDF5File) throws {
    let root = try file.root()
    for record in records where record.kind == .dataset && record.byteCount > 0 {
      guard record.byteCount <= 8 || record.name.hasPrefix("/\(CairnGroup.path)/"),
        try root.exists(record.name)
      else { continue }
      let dataset = try root.openDataset(record.name)
      guard dataset.byteCount == record.byteCount else {
        throw CheckpointError.damaged(
          file.path, record.name, expectedByteCount: record.byteCount, found: dataset.byteCount)
      }
      var bytes = [UInt8](repeating: 0, count: record.byteCount)
      try bytes.withUnsafeMutableBytes { try dataset.read(into: $0) }
      let digests = TensorDigests(table: self, record: record)
      if let damage = bytes.withUnsafeBytes({ digests.damage(in: $0, from: 0) }).first {
        throw CheckpointError.damaged(file.path, record.name, damage)
      }
    }
  }

  /// Whether a document is what was written.
  func holds(_ record: Record, _ document: [UInt8]?) throws -> Bool {
    guard let document, document.count == record.byteCount else { return false }
    return algorithm.digest(document).elementsEqual(digest(record.firstDigest))
  }

  /// The table of a file without end mark, which another program has written since; its datasets may lie
  /// elsewhere. Nil when there is none.
  init?(inside file: borrowing HDF5File) throws {
    let root = try file.root()
    guard try root.exists(Self.path) else { return nil }
    let dataset = try root.openDataset(Self.path)
    guard dataset.elementType == .uint8, dataset.byteCount <= 1 << 34 else {
      throw Self.damaged(file.path)
    }
    var bytes = [UInt8](repeating: 0, count: dataset.byteCount)
    try bytes.withUnsafeMutableBytes { try dataset.read(into: $0) }
    try self.init(decoding: bytes, path: file.path)
  }
}

// MARK: - Reading tensors

extension OpenFile {
  /// The digests of a tensor; nil when none covers it.
  ///
  /// - Throws: `damaged` when it has not as many bytes as were written.
  func digests(of entry: CheckpointEntry) throws(CheckpointError) -> TensorDigests? {
    guard let digests, let record = digests.record(entry.datasetPath) else { return nil }
    guard record.byteCount == entry.byteCount else {
      throw .damaged(
        file.path, entry.name, expectedByteCount: record.byteCount, found: entry.byteCount)
    }
    return TensorDigests(table: digests, record: record)
  }
}

/// The check of a tensor that a reader reads in pieces, each row after the one before.
struct SequentialCheck: ~Copyable {
  private var check: TensorCheck?
  private let path: String
  private let name: String

  fileprivate init(_ digests: TensorDigests?, path: String, name: String) {
    if let digests { check = TensorCheck(digests) } else { check = nil }
    self.path = path
    self.name = name
  }

  /// Takes the next piece.
  ///
  /// - Throws: `damaged`, naming the block, as soon as one has been read that is not what was written.
  mutating func update(_ bytes: UnsafeRawBufferPointer) throws(CheckpointError) {
    check?.update(bytes)
    if let damage = check?.damage.first { throw .damaged(path, name, damage) }
  }

  mutating func update(_ tensor: Tensor) throws(CheckpointError) {
    try tensor.withUnsafeBytes { (bytes) throws(CheckpointError) in try update(bytes) }
  }
}

extension CheckpointReader {
  /// The check of a tensor that is read from its first row to its last.
  func check(of entry: CheckpointEntry) throws(CheckpointError) -> SequentialCheck {
    let open = storage.file(of: entry)
    return SequentialCheck(
      try open?.digests(of: entry), path: open?.file.path ?? path, name: entry.name)
  }
}
