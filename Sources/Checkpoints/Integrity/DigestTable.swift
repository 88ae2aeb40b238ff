import Tensors

/// The digests of one HDF5 file and of the documents beside it, with the places of what they cover:
/// the dataset `cairn/digests`. <doc:Digests> has it byte by byte.
struct DigestTable: Sendable {
  /// The dataset, from the root.
  static let path = "\(CairnGroup.path)/digests"
  /// Bytes of a dataset that one digest covers; the last block of each may be shorter.
  static let blockByteCount = 1 << 20

  let algorithm: DigestAlgorithm
  /// Bytes of the HDF5 content, from its superblock to what libhdf5 holds for its end. All offsets
  /// count from its first byte, wherever in a file it lies.
  var contentByteCount: Int
  /// Where the table itself lies.
  private(set) var offset: Int
  private(set) var records: [Record]
  /// The digests of all records one after the other.
  private(set) var digests: [UInt8]
  /// What else the structure says; nil in tables of the first version.
  private(set) var outline: Outline?
  private let indexByName: [String: Int]

  /// Something that digests cover.
  struct Record: Sendable, Hashable {
    let kind: Kind
    /// The absolute path of a dataset, the name of a document; empty for the structure.
    let name: String
    /// Where a dataset's bytes begin; 0 for everything else.
    var offset: Int
    let byteCount: Int
    /// Index of its first digest among all.
    let firstDigest: Int

    enum Kind: UInt32, Sendable {
      /// All bytes of the content that are neither a dataset's elements nor this table: superblock, headers,
      /// names, attributes, heaps, gaps. One digest over all of them in order.
      case structure = 0
      /// The elements of a dataset, in blocks.
      case dataset = 1
      /// A file or archive member beside the content, such as `config.json`. One digest.
      case document = 2
    }

    /// How many digests it has.
    var digestCount: Int {
      kind == .dataset ? (byteCount + blockByteCount - 1) / blockByteCount : 1
    }

    /// The bytes of a dataset that its `block` covers.
    func range(ofBlock block: Int) -> Range<Int> {
      block * blockByteCount..<min((block + 1) * blockByteCount, byteCount)
    }

    /// The bytes of all blocks that have some of these.
    func blocks(covering bytes: Range<Int>) -> Range<Int> {
      let last = (bytes.upperBound + blockByteCount - 1) / blockByteCount
      return bytes.lowerBound / blockByteCount
        * blockByteCount..<min(
          last * blockByteCount, byteCount)
    }
  }

  init(
    algorithm: DigestAlgorithm, contentByteCount: Int, offset: Int, records: [Record],
    digests: [UInt8], outline: Outline? = nil
  ) {
    self.algorithm = algorithm
    self.contentByteCount = contentByteCount
    self.offset = offset
    self.records = records
    self.digests = digests
    self.outline = outline
    indexByName = Dictionary(
      records.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The record of the structure, a dataset, or a document; their names differ. Nil for one that the table
  /// does not know.
  func record(_ name: String) -> Record? { indexByName[name].map { records[$0] } }

  /// How many digests all records have together.
  var digestCount: Int { records.last.map { $0.firstDigest + $0.digestCount } ?? 0 }

  func digest(_ index: Int) -> ArraySlice<UInt8> {
    digests[index * algorithm.byteCount..<(index + 1) * algorithm.byteCount]
  }
}

// MARK: - Building

extension DigestTable {
  init(_ algorithm: DigestAlgorithm, of plan: FilePlan) {
    self.init(
      algorithm, datasets: plan.datasets.map { ("/\($0.path)", $0.value.byteCount) },
      documents: plan.documents)
    outline = Outline(of: plan)
  }

  /// The dataset of the table, as long as nobody knows its content.
  var dataset: FilePlan.Dataset {
    .init(path: Self.path, value: Tensor([UInt8](repeating: 0, count: byteCount)))
  }

  /// The table of a file that is not there yet: digests are zero, places unknown.
  ///
  /// - Parameters:
  ///   - datasets: absolute paths and bytes of elements.
  ///   - documents: names and contents.
  init(
    _ algorithm: DigestAlgorithm, datasets: [(path: String, byteCount: Int)],
    documents: [(name: String, content: [UInt8])]
  ) {
    let pieces: [(Record.Kind, String, Int)] =
      [(.structure, "", 0)] + datasets.map { (.dataset, $0.path, $0.byteCount) }
      + documents.map { (.document, $0.name, $0.content.count) }
    var records: [Record] = []
    var digestCount = 0
    for (kind, name, byteCount) in pieces {
      let record = Record(
        kind: kind, name: name, offset: 0, byteCount: byteCount, firstDigest: digestCount)
      records.append(record)
      digestCount += record.digestCount
    }
    self.init(
      algorithm: algorithm, contentByteCount: 0, offset: 0, records: records,
      digests: [UInt8](repeating: 0, count: digestCount * algorithm.byteCount))
    for document in documents { renewDigest(ofDocument: document.name, document.content) }
  }

  /// Says where everything lies.
  ///
  /// - Parameter offsets: of the datasets, in their order.
  mutating func place(datasetsAt offsets: [Int], tableAt offset: Int) {
    for (index, offset) in zip(records.indices.filter { records[$0].kind == .dataset }, offsets) {
      records[index].offset = offset
    }
    self.offset = offset
  }

  /// Takes the digest of the structure that the outline describes.
  mutating func setOutlinedStructure(_ digest: [UInt8]) {
    setDigest(0, digest)
    outline?.structure = digest
  }

  mutating func setDigests(_ digests: [UInt8]) {
    precondition(digests.count == self.digests.count)
    self.digests = digests
  }

  /// Takes the digests of some datasets from those of an equal table.
  ///
  /// - Parameter isTaken: by the datasets, in their order.
  mutating func takeDigests(_ digests: [UInt8], ofDatasets isTaken: [Bool]) {
    // The first record is that of the structure.
    for (record, isTaken) in zip(records.dropFirst(), isTaken) where isTaken {
      let start = record.firstDigest * algorithm.byteCount
      let end = start + record.digestCount * algorithm.byteCount
      for index in start..<end { self.digests[index] = digests[index] }
    }
  }

  mutating func setDigest(_ index: Int, _ digest: [UInt8]) {
    digests.replaceSubrange(
      index * algorithm.byteCount..<(index + 1) * algorithm.byteCount, with: digest)
  }

  /// Takes the digests of a document's new content.
  mutating func renewDigest(ofDocument name: String, _ content: [UInt8]) {
    guard let index = indexByName[name] else { return }
    let old = records[index]
    records[index] = Record(
      kind: old.kind, name: name, offset: 0, byteCount: content.count, firstDigest: old.firstDigest)
    setDigest(old.firstDigest, algorithm.digest(content))
  }

  /// Takes the digests of a dataset's new elements.
  mutating func renewDigests(ofDataset path: String, _ bytes: UnsafeRawBufferPointer) {
    guard let record = record(path) else { return }
    for block in 0..<record.digestCount {
      setDigest(
        record.firstDigest + block,
        algorithm.digest(UnsafeRawBufferPointer(rebasing: bytes[record.range(ofBlock: block)])))
    }
  }
}

// MARK: - Roots

extension DigestTable {
  /// The root over the digests of one record's blocks; `tree` is empty before and after.
  private func root(of record: Record, _ tree: inout MerkleTree) -> [UInt8] {
    digests.withUnsafeBytes { bytes in
      for index in record.firstDigest..<record.firstDigest + record.digestCount {
        let start = index * algorithm.byteCount
        tree.append(UnsafeRawBufferPointer(rebasing: bytes[start..<start + algorithm.byteCount]))
      }
    }
    return tree.root()
  }

  /// The root over everything: the tree whose first leaf is the head of the table without the root, and
  /// whose others are the records, each followed by its own root, and the outline.
  var root: [UInt8] {
    var tree = MerkleTree()
    var treeOfRecord = MerkleTree()
    head.withUnsafeBytes { tree.append($0) }
    for record in records {
      var writer = FieldWriter()
      writer.reserveCapacity(record.encodedByteCount)
      record.append(to: &writer)
      writer.bytes.withUnsafeBytes { bytes in
        root(of: record, &treeOfRecord).withUnsafeBytes { tree.append(bytes, $0) }
      }
    }
    if let outline { outline.bytes.withUnsafeBytes { tree.append($0) } }
    return tree.root()
  }
}
