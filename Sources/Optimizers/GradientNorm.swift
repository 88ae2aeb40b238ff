internal import CKernels
internal import KerasConfiguration
internal import Tensors

/// The sum of the squares of a gradient's elements, in the gradient's dtype.
///
/// Up to seven squares are added one by one in that dtype, as Keras adds them. More are rounded to the
/// dtype one by one and added in double, in an order that does not depend on the number of threads.
///
/// Sendable because it is gone before the gradient is, and each thread writes sums of its own.
struct SumOfSquares: @unchecked Sendable {
  let gradient: UnsafeRawPointer
  let count: Int
  let dtype: DType
  /// Applied to every element before it is squared.
  let transform: GradientTransform

  private static let sequentialCount = 7
  /// Elements whose squares are added in one go.
  private static let chunk = 1 << 16
  /// Elements that are transformed at a time: few enough to stand on the stack.
  private static let block = 128

  /// - Parameter partialSums: room, kept from one use to the next.
  func value(partialSums: inout [Double], team: ThreadTeam) -> Double {
    switch dtype {
    case .float32: value(&partialSums, team, as: Float.self)
    case .float64: value(&partialSums, team, as: Double.self)
    case .float16: value(&partialSums, team, as: Float16.self)
    case .bfloat16: value(&partialSums, team, as: BFloat16.self)
    default: preconditionFailure("there are no gradients of \(dtype) variables")
    }
  }

  private func value<T: UpdateScalar>(
    _ partialSums: inout [Double], _ team: ThreadTeam, as _: T.Type
  ) -> Double {
    if count <= Self.sequentialCount {
      var sum = T(0.0)
      forEachBlock(in: 0..<count, as: T.self) { values in
        for value in values { sum = sum + value * value }
      }
      return sum.number.double
    }
    let chunkCount = (count + Self.chunk - 1) / Self.chunk
    if partialSums.count < chunkCount {
      partialSums.append(contentsOf: repeatElement(0, count: chunkCount - partialSums.count))
    }
    let sum = partialSums.withUnsafeMutableBufferPointer { sums in
      team.run(
        Chunks<T>(gradient: self, sums: sums), count: chunkCount, chunk: 1, serialBelow: 8)
      return sums[..<chunkCount].reduce(0, +)
    }
    return T(sum).number.double
  }

  /// The sums of some chunks. Sendable because each thread writes elements of its own.
  private struct Chunks<T: UpdateScalar>: SharedWork, @unchecked Sendable {
    let gradient: SumOfSquares
    let sums: UnsafeMutableBufferPointer<Double>

    func run(_ range: Range<Int>, thread: Int) {
      for chunk in range {
        let start = chunk * SumOfSquares.chunk
        let end = min(gradient.count, start + SumOfSquares.chunk)
        sums[chunk] = gradient.doubleSum(in: start..<end, as: T.self)
      }
    }
  }

  private func doubleSum<T: UpdateScalar>(in range: Range<Int>, as _: T.Type) -> Double {
    var sum = 0.0
    forEachBlock(in: range, as: T.self) { values in
      if T.self == Float.self, let base = UnsafeRawPointer(values.baseAddress) {
        sum += ck_sum_of_squares_f32(values.count, base.assumingMemoryBound(to: Float.self))
      } else {
        for value in values { sum += (value * value).number.double }
      }
    }
    return sum
  }

  /// Calls `body` with the elements at `range`, transformed: at once if nothing is to be done to them,
  /// block by block otherwise.
  private func forEachBlock<T: UpdateScalar>(
    in range: Range<Int>, as _: T.Type, _ body: (UnsafeBufferPointer<T>) -> Void
  ) {
    let elements = gradient.assumingMemoryBound(to: T.self)
    if transform.isIdentity {
      body(UnsafeBufferPointer(start: elements + range.lowerBound, count: range.count))
      return
    }
    withUnsafeTemporaryAllocation(of: T.self, capacity: Self.block) { scratch in
      guard let base = scratch.baseAddress else { return }
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.block) {
        let count = min(Self.block, range.upperBound - start)
        transform.apply(to: elements + start, into: base, count: count, dtype: dtype)
        body(UnsafeBufferPointer(start: base, count: count))
      }
    }
  }
}

// MARK: - Clipping

extension GradientClipping {
  /// The scale of one variable's gradient under ``norm(_:value:)``, from its sum of squares.
  static func scale(limit: Double, sumOfSquares: Double, dtype: DType) -> GradientTransform.Scale {
    func scale<T: UpdateScalar>(_: T.Type) -> GradientTransform.Scale {
      let sum = T(sumOfSquares)
      let norm = sumOfSquares > 0 ? T.sqrt(sum) : sum
      let c = T(limit)
      // NaN is the greater.
      let divisor = norm.number.double < c.number.double ? c : norm
      return .ratio(multiplier: c.number.double, divisor: divisor.number.double)
    }
    return dtype.withScalar { scale($0) }
  }

  /// The factor of every gradient under ``globalNorm(_:value:)``, from the sums of squares of all.
  static func factor(
    limit: Double, sumsOfSquares: some Collection<Double>, dtype: DType, _ arithmetic: Arithmetic
  ) -> GradientTransform.Scale {
    func factor<T: UpdateScalar>(_: T.Type) -> GradientTransform.Scale {
      let halves = arithmetic != .keras3
      let one = T(1.0)
      let two = T(2.0)
      var exact = 0.0
      var sequential = T(0.0)
      for sum in sumsOfSquares {
        let part = halves ? T(sum) / two : T(sum)
        exact += part.number.double
        sequential = sequential + part
      }
      let sum = sumsOfSquares.count <= 7 ? sequential : T(exact)
      let norm = T.sqrt(halves ? sum * two : sum)
      let c = T(limit)
      let inverse = one / norm
      let inverseLimit = halves ? one / c : T(1 / limit)
      let least = inverse.number.double < inverseLimit.number.double ? inverse : inverseLimit
      return .factor((c * least + (norm - norm)).number.double)
    }
    return dtype.withScalar { factor($0) }
  }
}

extension DType {
  /// Calls `body` with the type of the elements of a variable that is trained. For single numbers: the
  /// call is not specialized.
  func withScalar<Result>(_ body: (any UpdateScalar.Type) -> Result) -> Result {
    switch self {
    case .float32: body(Float.self)
    case .float64: body(Double.self)
    case .float16: body(Float16.self)
    case .bfloat16: body(BFloat16.self)
    default: preconditionFailure("there are no gradients of \(self) variables")
    }
  }
}
