import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Asks every element of a variable whether it obeys ``ElementRules``.
///
/// Most elements are let through eight at a time by ``UpdateBound/sufficientFactor``; only the others cost
/// a logarithm.
struct DescentScan: Sendable {
  let rules: ElementRules
  /// Elements of one row along the first axis; nil where rows are not counted.
  let rowLength: Int?

  /// The same elements of a weight, its accumulator and its average in both files.
  struct Block {
    let weight: (before: Tensor, after: Tensor)
    let accumulator: (before: Tensor, after: Tensor)
    let average: (before: Tensor, after: Tensor)?
  }

  /// - Parameters:
  ///   - block: tensors of one element count and one floating-point type.
  ///   - position: where it begins in the whole tensors, row-major.
  func scan(_ block: Block, at position: Int) -> DescentPiece {
    switch block.weight.before.dtype {
    case .float32: scan(block, at: position, as: Float.self)
    case .float64: scan(block, at: position, as: Double.self)
    default:
      // Every number of 16 bits is one of float32's.
      scan(block.converted(to: .float32), at: position, as: Float.self)
    }
  }

  private func scan<Scalar: TensorElement & BinaryFloatingPoint & SIMDScalar>(
    _ block: Block, at position: Int, as type: Scalar.Type
  ) -> DescentPiece {
    var piece = DescentPiece()
    block.withPlanes(of: type) { planes in
      guard planes.count > 0 else { return }
      let limits = quickLimits(as: type)
      let length = 512
      for start in stride(from: 0, to: planes.count, by: length) {
        let range = start..<min(start + length, planes.count)
        if let limits, let sums = planes.sums(in: range, ifWithin: limits) {
          piece.add(growth: sums.growth, level: sums.level)
        } else {
          scan(planes, range, at: position, into: &piece)
        }
      }
      if let rowLength, rowLength > 0 {
        for row in (position / rowLength)..<((position + planes.count - 1) / rowLength + 1) {
          let range =
            max(
              0, row * rowLength - position)..<min(
              planes.count, (row + 1) * rowLength - position)
          if planes.differ(in: range) { piece.touch(row: row) }
        }
      }
    }
    return piece
  }

  /// Nil where the quick test would not tell that the rules are obeyed: they say more.
  private func quickLimits<Scalar: BinaryFloatingPoint>(
    as _: Scalar.Type
  ) -> QuickLimits<Scalar>? {
    guard rules.updateCount > 0, rules.onlyRate == nil, !rules.hasAverages else { return nil }
    return QuickLimits(
      factor: rules.bound.map { Scalar($0.sufficientFactor) },
      epsilon: Scalar(rules.bound?.epsilon ?? 0), greatestGrowth: Scalar(rules.greatestSquare))
  }

  private func scan<Scalar: TensorElement & BinaryFloatingPoint>(
    _ planes: Planes<Scalar>, _ range: Range<Int>, at position: Int, into piece: inout DescentPiece
  ) {
    for index in range {
      let element = planes.element(index)
      let growth = element.accumulator.after - element.accumulator.before
      if growth.isFinite {
        piece.add(growth: growth, level: element.accumulator.after.magnitude)
      }
      for finding in rules.findings(element) {
        piece.add(finding, at: position + index, element)
      }
    }
  }
}

/// What the quick test compares with.
private struct QuickLimits<Scalar> {
  /// Nil where the weights have no bound.
  let factor: Scalar?
  let epsilon: Scalar
  let greatestGrowth: Scalar
}

/// The elements of a block in memory.
private struct Planes<Scalar: TensorElement & BinaryFloatingPoint> {
  typealias Pair = (before: UnsafeBufferPointer<Scalar>, after: UnsafeBufferPointer<Scalar>)

  let weight: Pair
  let accumulator: Pair
  let average: Pair?

  var count: Int { weight.before.count }

  func element(_ index: Int) -> ElementRules.Element {
    func value(_ pair: Pair) -> (before: Double, after: Double) {
      (Double(pair.before[index]), Double(pair.after[index]))
    }
    return ElementRules.Element(
      weight: value(weight), accumulator: value(accumulator),
      average: average.map(value) ?? (0, 0))
  }

  /// Whether anything but averages changed, bit for bit.
  func differ(in range: Range<Int>) -> Bool {
    [weight, accumulator].contains { pair in
      memcmp(
        UnsafeRawPointer(pair.before.baseAddress! + range.lowerBound),
        UnsafeRawPointer(pair.after.baseAddress! + range.lowerBound),
        range.count * MemoryLayout<Scalar>.stride) != 0
    }
  }
}

extension Planes where Scalar: SIMDScalar {
  /// The sums of the accumulators' growths, and of the accumulators after; nil unless all of these hold for every element, which
  /// implies that it obeys the rules: the accumulator did not fall; it grew by no more than one update
  /// may; `(w_B - w_A)^2 * (accumulator + epsilon) <= factor * growth`, or both weights are finite where
  /// there is no factor.
  fileprivate func sums(
    in range: Range<Int>, ifWithin limits: QuickLimits<Scalar>
  ) -> (growth: Double, level: Double)? {
    typealias Lanes = SIMD8<Scalar>
    guard range.count % 8 == 0 else { return nil }
    func lanes(_ plane: UnsafeBufferPointer<Scalar>, _ index: Int) -> Lanes {
      UnsafeRawBufferPointer(plane).loadUnaligned(
        fromByteOffset: index * MemoryLayout<Scalar>.stride, as: Lanes.self)
    }
    var sum = Lanes.zero
    var level = Lanes.zero
    var isWithin = SIMDMask<Lanes.MaskStorage>(repeating: true)
    for index in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
      let after = lanes(accumulator.after, index)
      let growth = after - lanes(accumulator.before, index)
      let way = lanes(weight.after, index) - lanes(weight.before, index)
      // False for NaN.
      isWithin .&= growth .>= Lanes.zero
      isWithin .&= growth .<= Lanes(repeating: limits.greatestGrowth)
      if let factor = limits.factor {
        isWithin .&= way * way * (after + limits.epsilon) .<= growth * factor
      } else {
        isWithin .&= way - way .== Lanes.zero
      }
      sum += growth
      level += after
    }
    let sums = (growth: Double(sum.sum()), level: Double(level.sum()).magnitude)
    return all(isWithin) && sums.level.isFinite ? sums : nil
  }
}

extension DescentScan.Block {
  func converted(to dtype: DType) -> Self {
    func converted(_ pair: (before: Tensor, after: Tensor)) -> (before: Tensor, after: Tensor) {
      (pair.before.converted(to: dtype), pair.after.converted(to: dtype))
    }
    return Self(
      weight: converted(weight), accumulator: converted(accumulator),
      average: average.map(converted))
  }

  fileprivate func withPlanes<Scalar: TensorElement & BinaryFloatingPoint>(
    of type: Scalar.Type, _ body: (Planes<Scalar>) -> Void
  ) {
    func with(
      _ pair: (before: Tensor, after: Tensor), _ body: (Planes<Scalar>.Pair) -> Void
    ) {
      pair.before.withElements(of: type) { before in
        pair.after.withElements(of: type) { after in body((before, after)) }
      }
    }
    with(weight) { weight in
      with(accumulator) { accumulator in
        guard let average else {
          return body(Planes(weight: weight, accumulator: accumulator, average: nil))
        }
        with(average) {
          body(Planes(weight: weight, accumulator: accumulator, average: $0))
        }
      }
    }
  }
}
