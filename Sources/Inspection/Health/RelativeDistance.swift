import Checkpoints
import Tensors

/// How far a tensor is from another of its shape and dtype, in units of the other's size; by pieces.
struct RelativeDistance: Sendable {
  private var squaredDistance = 0.0
  private var squaredSize = 0.0

  /// sqrt(mean((a - b)^2)) / sqrt(mean(b^2)); 0 for equal tensors, nil where it is no number.
  var value: Double? {
    if squaredDistance == 0 { return 0 }
    let value = (squaredDistance / squaredSize).squareRoot()
    return value.isFinite ? value : nil
  }

  /// - Throws: what reading throws.
  static func reading(
    from a: CheckpointEntry, to b: CheckpointEntry, of reader: borrowing CheckpointReader
  ) throws(CheckpointError) -> Double? {
    let sums = try TensorSource.mapBlocks(of: reader.sources(of: [a, b])) { _, tensors in
      var sum = RelativeDistance()
      let blocks = PairedBlocks(tensors[0].dtype)
      tensors[0].withUnsafeBytes { first in
        tensors[1].withUnsafeBytes { second in blocks.forEach(first, second) { sum.add($0, $1) } }
      }
      return sum
    }
    return sums.reduce(into: RelativeDistance()) { sum, piece in
      sum.squaredDistance += piece.squaredDistance
      sum.squaredSize += piece.squaredSize
    }.value
  }

  private mutating func add(_ a: ElementBlock, _ b: ElementBlock) {
    switch (a, b) {
    case (.single(let a), .single(let b)): addElements(a, b) { Double($0) }
    case (.double(let a), .double(let b)): addElements(a, b) { $0 }
    default: preconditionFailure("blocks of two widths")
    }
  }

  /// Four sums at a time, since each addition waits for the one before.
  @inline(__always)
  private mutating func addElements<Element>(
    _ a: UnsafeBufferPointer<Element>, _ b: UnsafeBufferPointer<Element>,
    _ double: (Element) -> Double
  ) {
    var distances = SIMD4<Double>()
    var sizes = SIMD4<Double>()
    for index in stride(from: 0, to: a.count, by: 4) {
      var (x, y) = (SIMD4<Double>(), SIMD4<Double>())
      for lane in 0..<min(4, a.count - index) {
        x[lane] = double(a[index + lane])
        y[lane] = double(b[index + lane])
      }
      distances += (x - y) * (x - y)
      sizes += y * y
    }
    squaredDistance += distances.sum()
    squaredSize += sizes.sum()
  }
}

/// Cuts the bytes of two tensors of one dtype into blocks of the same elements.
private struct PairedBlocks: ~Copyable {
  private let dtype: DType
  private let first: ElementBlocks
  private let second: ElementBlocks

  init(_ dtype: DType) {
    self.dtype = dtype
    first = ElementBlocks(dtype)
    second = ElementBlocks(dtype)
  }

  func forEach(
    _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer,
    _ body: (ElementBlock, ElementBlock) -> Void
  ) {
    let step = ElementBlock.maximumCount * dtype.byteCount
    for start in stride(from: 0, to: a.count, by: step) {
      let range = start..<min(start + step, a.count)
      first.forEach(.init(rebasing: a[range])) { x in
        second.forEach(.init(rebasing: b[range])) { y in body(x, y) }
      }
    }
  }
}
