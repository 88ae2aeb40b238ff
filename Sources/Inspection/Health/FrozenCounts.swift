import Checkpoints
import Tensors

/// How many elements of a tensor, and how many whole rows along its first axis, are what they were at the
/// start.
struct FrozenCounts: Sendable {
  var elementCount = 0
  var rowCount = 0
  /// Of rows that were seen in parts: the elements found in them so far.
  private var parts: [Int: Int] = [:]

  /// - Throws: what reading throws.
  static func reading(
    _ entry: CheckpointEntry, of reader: borrowing CheckpointReader, startValue: Double
  ) throws(CheckpointError) -> FrozenCounts {
    let dtype = try entry.requireDType(path: reader.path)
    let start = Tensor(repeating: startValue, shape: [], dtype: dtype)
    let width = entry.shape.rank > 1 ? entry.shape.row.elementCount : entry.shape.elementCount
    let pieces = try TensorSource.mapBlocks(of: reader.sources(of: [entry])) { positions, tensors in
      var piece = FrozenCounts()
      tensors[0].withUnsafeBytes {
        piece.add($0, from: positions.lowerBound * dtype.byteCount, start, rowWidth: width)
      }
      return piece
    }
    return pieces.reduce(into: FrozenCounts()) { $0.merge($1, rowWidth: width) }
  }

  /// Adds elements of a tensor.
  ///
  /// - Parameters:
  ///   - position: the first byte's place in the tensor.
  ///   - start: a scalar of the tensor's dtype.
  mutating func add(
    _ bytes: UnsafeRawBufferPointer, from position: Int, _ start: Tensor, rowWidth: Int
  ) {
    start.withUnsafeBytes { start in
      switch start.count {
      case 1: add(bytes, position, start.load(as: UInt8.self), rowWidth)
      case 2: add(bytes, position, start.load(as: UInt16.self), rowWidth)
      case 4: add(bytes, position, start.load(as: UInt32.self), rowWidth)
      default: add(bytes, position, start.load(as: UInt64.self), rowWidth)
      }
    }
  }

  private mutating func add<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ position: Int, _ start: Bits, _ rowWidth: Int
  ) {
    let elements = bytes.assumingMemoryBound(to: Bits.self)
    var index = 0
    while index < elements.count {
      let place = position / MemoryLayout<Bits>.size + index
      let count = min(rowWidth - place % rowWidth, elements.count - index)
      var frozen = 0
      for element in elements[index..<index + count] { frozen &+= element == start ? 1 : 0 }
      elementCount += frozen
      if count < rowWidth {
        addPart(frozen, ofRow: place / rowWidth, rowWidth)
      } else if frozen == rowWidth {
        rowCount += 1
      }
      index += count
    }
  }

  private mutating func addPart(_ frozen: Int, ofRow row: Int, _ rowWidth: Int) {
    let sum = parts[row, default: 0] + frozen
    parts[row] = sum == rowWidth ? nil : sum
    if sum == rowWidth { rowCount += 1 }
  }

  private mutating func merge(_ other: FrozenCounts, rowWidth: Int) {
    elementCount += other.elementCount
    rowCount += other.rowCount
    for (row, frozen) in other.parts { addPart(frozen, ofRow: row, rowWidth) }
  }
}
