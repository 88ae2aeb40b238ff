import Tensors

/// What the structure of a file says beside the places of its datasets, which the records have: their dtypes
/// and shapes, and the groups without any. With it a reader knows the tree of a file without a walk through
/// libhdf5, which takes some 80 microseconds for each variable. <doc:Digests> has it byte by byte.
struct Outline: Sendable, Hashable {
  /// The digest of the structure that it describes. Whoever changes the structure leaves this as it is, so
  /// that the outline goes out of force.
  var structure: [UInt8]
  /// Of the datasets, in the order of their records.
  let datasets: [Dataset]
  /// The absolute paths of the groups that have no dataset, neither themselves nor inside their groups.
  let emptyGroups: [String]

  struct Dataset: Sendable, Hashable {
    let dtype: DType
    let shape: Shape
  }
}

extension Outline {
  /// That of a plan; of which structure is yet to be said.
  init(of plan: FilePlan) {
    let algorithm = plan.digests ?? .crc32c
    structure = [UInt8](repeating: 0, count: algorithm.byteCount)
    datasets = plan.datasets.map { Dataset(dtype: $0.value.dtype, shape: $0.value.shape) }
    var known: Set<Substring> = []
    func note(_ path: Substring) {
      var path = path
      while known.insert(path).inserted, let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
        path = path[..<slash]
      }
    }
    for dataset in plan.datasets {
      if let slash = dataset.path.utf8.lastIndex(of: UInt8(ascii: "/")) {
        note(dataset.path[..<slash])
      }
    }
    emptyGroups = plan.groups.compactMap { group in
      group.path.isEmpty || known.contains(group.path[...]) ? nil : "/\(group.path)"
    }
  }
}

extension DigestTable {
  /// Whether it has an outline of the structure that it has the digest of.
  var isOutlineInForce: Bool { outline.map { digest(0).elementsEqual($0.structure) } ?? false }
}

// MARK: - Coding

extension Outline {
  var byteCount: Int {
    Self.padded(structure.count) + datasets.reduce(0) { $0 + 8 + 8 * $1.shape.rank } + 8
      + emptyGroups.reduce(0) { $0 + 8 + Self.padded($1.utf8.count) }
  }

  var bytes: [UInt8] {
    var writer = FieldWriter()
    writer.reserveCapacity(byteCount)
    writer.append(structure)
    writer.zeros(Self.padded(structure.count) - structure.count)
    for dataset in datasets {
      writer.uint32(dataset.dtype.number)
      writer.uint32(UInt32(dataset.shape.rank))
      for dimension in dataset.shape.dimensions { writer.uint64(UInt64(dimension)) }
    }
    writer.uint64(UInt64(emptyGroups.count))
    for group in emptyGroups {
      writer.uint64(UInt64(group.utf8.count))
      writer.append(group.utf8)
      writer.zeros(Self.padded(group.utf8.count) - group.utf8.count)
    }
    return writer.bytes
  }

  /// Reads an outline from `position` on, and moves that behind it. Nil for what is none.
  init?(
    decoding fields: FieldReader, at position: inout Int, datasetCount: Int,
    _ algorithm: DigestAlgorithm
  ) {
    guard fields.has(position + Self.padded(algorithm.byteCount)) else { return nil }
    structure = Array(fields.bytes[position..<position + algorithm.byteCount])
    position += Self.padded(algorithm.byteCount)
    var datasets: [Dataset] = []
    datasets.reserveCapacity(datasetCount)
    for _ in 0..<datasetCount {
      guard fields.has(position + 8), let dtype = DType(number: fields.uint32(position)) else {
        return nil
      }
      let rank = Int(fields.uint32(position + 4))
      position += 8
      guard rank <= 32, fields.has(position + 8 * rank) else { return nil }
      let dimensions = (0..<rank).compactMap { fields.int(position + 8 * $0) }
      guard dimensions.count == rank, let shape = Shape(validating: dimensions) else { return nil }
      datasets.append(Dataset(dtype: dtype, shape: shape))
      position += 8 * rank
    }
    guard fields.has(position + 8), let groupCount = fields.int(position),
      groupCount <= fields.bytes.count
    else { return nil }
    position += 8
    var groups: [String] = []
    for _ in 0..<groupCount {
      guard fields.has(position + 8), let count = fields.int(position),
        count <= fields.bytes.count, fields.has(position + 8 + Self.padded(count)),
        let name = String(
          validating: fields.bytes[position + 8..<position + 8 + count], as: UTF8.self)
      else { return nil }
      groups.append(name)
      position += 8 + Self.padded(count)
    }
    self.datasets = datasets
    emptyGroups = groups
  }

  private static func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 }
}

extension DType {
  private static let numbered: [DType] = [
    .float16, .bfloat16, .float32, .float64, .int8, .int16, .int32, .int64, .uint8, .uint16,
    .uint32, .uint64, .bool,
  ]

  /// The number that stands for it in an outline, from 1 on.
  fileprivate var number: UInt32 { UInt32(Self.numbered.firstIndex(of: self)! + 1) }

  fileprivate init?(number: UInt32) {
    guard (1...UInt32(Self.numbered.count)).contains(number) else { return nil }
    self = Self.numbered[Int(number) - 1]
  }
}
