import Checkpoints
import Tensors

/// What the numbers of a whole checkpoint come to.
struct CheckpointNumbers: Sendable, Hashable {
  /// sqrt(sum of squares) over the finite elements of all weights of floating point; nil without any.
  var weightNorm: Double?
  /// NaN and infinite elements, of weights and of what the optimizer keeps for them.
  var nonFiniteCount = 0
  /// The first tensor with one.
  var firstNonFinite: String?

  /// Reads all tensors of floating point that a filter selects, in pieces.
  init(_ reader: borrowing CheckpointReader, _ filter: TensorFilter) throws(CheckpointError) {
    var squares: Double?
    for entry in reader.manifest.entries
    where entry.dtype?.isFloatingPoint == true && filter.selects(entry) {
      let sum = try TensorSource.mapBlocks(of: reader.sources(of: [entry])) { _, tensors in
        ElementSum(tensors[0])
      }.reduce(into: ElementSum()) { $0.append($1) }
      if sum.nonFiniteCount > 0, firstNonFinite == nil { firstNonFinite = entry.name }
      nonFiniteCount += sum.nonFiniteCount
      if case .weight = entry.role { squares = (squares ?? 0) + sum.squares }
    }
    weightNorm = squares?.squareRoot()
  }
}

/// How far the weights of a checkpoint are from those of the one before.
struct CheckpointChange: Sendable, Hashable {
  /// The largest change of an element, and in which tensor.
  var largest: Double
  var largestName: String
  /// |w - w_before| / |w_before| over all weights; nil where the second is zero.
  var relative: Double?
  /// Weights of which no element changed.
  var unchanged: [String]

  /// Reads the weights of floating point that both have in the same shape and dtype; nil when there are
  /// none. Elements that are not finite on either side count nothing.
  init?(
    from before: borrowing CheckpointReader, to after: borrowing CheckpointReader,
    _ filter: TensorFilter
  ) throws(CheckpointError) {
    var sum = ChangeSum()
    var largest: (value: Double, name: String)?
    var unchanged: [String] = []
    for entry in after.manifest.entries
    where entry.dtype?.isFloatingPoint == true && filter.selects(entry) {
      guard case .weight = entry.role, let other = before.manifest.entry(named: entry.name),
        other.shape == entry.shape, other.dtype == entry.dtype
      else { continue }
      let own = try TensorSource.mapBlocks(
        of: before.sources(of: [other]) + after.sources(of: [entry])
      ) { _, tensors in
        ChangeSum(tensors[0], tensors[1])
      }.reduce(into: ChangeSum()) { $0.append($1) }
      if own.changedCount == 0 { unchanged.append(entry.name) }
      if largest == nil || own.largest > largest!.value { largest = (own.largest, entry.name) }
      sum.squares += own.squares
      sum.squaresBefore += own.squaresBefore
    }
    guard let largest else { return nil }
    self.largest = largest.value
    largestName = largest.name
    if sum.squaresBefore > 0 { relative = (sum.squares / sum.squaresBefore).squareRoot() }
    self.unchanged = unchanged
  }
}

/// Sums over the elements of one tensor, in double.
private struct ElementSum: Sendable {
  var squares = 0.0
  var nonFiniteCount = 0

  init() {}

  mutating func append(_ next: ElementSum) {
    squares += next.squares
    nonFiniteCount += next.nonFiniteCount
  }

  init(_ piece: Tensor) {
    switch piece.dtype {
    case .float32: piece.withElements(of: Float.self) { add($0) }
    case .float64: piece.withElements(of: Double.self) { add($0) }
    default: piece.converted(to: .float64).withElements(of: Double.self) { add($0) }
    }
  }

  @inline(__always)
  private mutating func add<Element: BinaryFloatingPoint>(
    _ elements: UnsafeBufferPointer<Element>
  ) {
    var squares = 0.0
    var nonFinite = 0
    for element in elements {
      let value = Double(element)
      if value.isFinite { squares += value * value } else { nonFinite += 1 }
    }
    self.squares += squares
    nonFiniteCount += nonFinite
  }
}

/// Sums over the pairs of elements of two tensors, in double.
private struct ChangeSum: Sendable {
  var largest = 0.0
  var squares = 0.0
  var squaresBefore = 0.0
  /// Elements that are not equal as numbers; NaN equals NaN.
  var changedCount = 0

  init() {}

  mutating func append(_ next: ChangeSum) {
    largest = max(largest, next.largest)
    squares += next.squares
    squaresBefore += next.squaresBefore
    changedCount += next.changedCount
  }

  init(_ before: Tensor, _ after: Tensor) {
    switch after.dtype {
    case .float32: add(before, after, Float.self)
    case .float64: add(before, after, Double.self)
    default: add(before.converted(to: .float64), after.converted(to: .float64), Double.self)
    }
  }

  @inline(__always)
  private mutating func add<Element: TensorElement & BinaryFloatingPoint>(
    _ before: Tensor, _ after: Tensor, _: Element.Type
  ) {
    var (largest, squares, squaresBefore, changed) = (largest, 0.0, 0.0, 0)
    before.withElements(of: Element.self) { a in
      after.withElements(of: Element.self) { b in
        for index in a.indices {
          let (x, y) = (Double(a[index]), Double(b[index]))
          let change = (y - x).magnitude
          if change != 0, !(x.isNaN && y.isNaN) { changed += 1 }
          guard change.isFinite else { continue }
          largest = max(largest, change)
          squares += change * change
          squaresBefore += x * x
        }
      }
    }
    self.largest = largest
    self.squares += squares
    self.squaresBefore += squaresBefore
    changedCount += changed
  }
}
