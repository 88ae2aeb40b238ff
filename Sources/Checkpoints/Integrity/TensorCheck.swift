/// The digests of one tensor.
struct TensorDigests: Sendable {
  let table: DigestTable
  let record: DigestTable.Record

  /// The blocks that are not as they were written.
  ///
  /// - Parameters:
  ///   - bytes: whole blocks of the tensor, or up to its end.
  ///   - position: where in the tensor they begin.
  func damage(in bytes: UnsafeRawBufferPointer, from position: Int) -> [TensorDamage] {
    var check = TensorCheck(self, from: position)
    check.update(bytes)
    return check.damage
  }
}

/// Compares the bytes of one tensor with the digests of a table, piece by piece.
struct TensorCheck: ~Copyable {
  private let table: DigestTable
  private let record: DigestTable.Record
  private var digest: RunningDigest
  private var position: Int
  /// The blocks that are not as they were written.
  private(set) var damage: [TensorDamage] = []

  /// - Parameter position: where the first piece begins: at the beginning of a block.
  init(_ digests: TensorDigests, from position: Int = 0) {
    precondition(position % DigestTable.blockByteCount == 0, "a check begins with a block")
    table = digests.table
    record = digests.record
    self.position = position
    digest = RunningDigest(table.algorithm)
  }

  /// Takes the next piece. A tensor is to be given to its end, or to the end of a block; what lies beyond
  /// the end of the record is not looked at.
  mutating func update(_ piece: UnsafeRawBufferPointer) {
    var rest = piece[...]
    while !rest.isEmpty, position < record.byteCount {
      let block = position / DigestTable.blockByteCount
      let range = record.range(ofBlock: block)
      let part = rest.prefix(range.upperBound - position)
      digest.update(UnsafeRawBufferPointer(rebasing: part))
      position += part.count
      rest = rest.dropFirst(part.count)
      if position == range.upperBound { finish(block, range) }
    }
  }

  private mutating func finish(_ block: Int, _ range: Range<Int>) {
    let found = digest.finalize()
    let expected = table.digest(record.firstDigest + block)
    if !found.elementsEqual(expected) {
      damage.append(
        TensorDamage(
          block: block, bytes: range, algorithm: table.algorithm,
          expected: table.algorithm.text(Array(expected)), found: table.algorithm.text(found)))
    }
  }
}

/// A block of a tensor that is not what was written.
public struct TensorDamage: Sendable, Hashable {
  /// Its number; blocks of 1 MiB are counted from the tensor's first byte.
  public let block: Int
  /// Which of the tensor's bytes it covers.
  public let bytes: Range<Int>
  public let algorithm: DigestAlgorithm
  /// The digest in the table, and that of the bytes, hexadecimal.
  public let expected: String
  public let found: String
}

extension TensorDamage: CustomStringConvertible {
  public var description: String {
    "block \(block) (bytes \(bytes.lowerBound)..<\(bytes.upperBound)): expected"
      + " \(algorithm.title) \(expected), found \(found)"
  }
}

extension DigestAlgorithm {
  /// A digest as people write it: hexadecimal, a CRC with its highest digit first.
  func text(_ digest: [UInt8]) -> String {
    switch self {
    case .crc32c: Array(digest.reversed()).hexadecimal
    case .sha256: digest.hexadecimal
    }
  }
}

extension CheckpointError {
  /// - Parameter name: of the tensor.
  static func damaged(_ path: String, _ name: String, _ damage: TensorDamage) -> CheckpointError {
    CheckpointError(
      .damaged, "cannot read", path: path, object: name, problem: "\(damage)", cure: damageCure)
  }

  static func damaged(
    _ path: String, _ name: String, expectedByteCount: Int, found: Int
  ) -> CheckpointError {
    CheckpointError(
      .damaged, "cannot read", path: path, object: name,
      problem: "expected \(expectedByteCount) bytes, as were written, found \(found)",
      cure: damageCure)
  }
}
