import CKernels
public import Tensors

/// How far two numbers may lie apart and still count as equal: |a - b| <= absolute + relative * |b|, or
/// so many steps from one floating-point number to the next.
public struct Tolerance: Sendable, Hashable {
  public var absolute: Double
  public var relative: Double
  /// Units in the last place: 1 for neighbours. Two zeros are none apart; no infinity or NaN is near
  /// anything.
  public var ulps: Int

  /// All zero: numbers must be equal. NaN equals NaN, and -0 equals 0.
  public static let exact = Tolerance(absolute: 0, relative: 0)

  public init(absolute: Double = 0, relative: Double = 0, ulps: Int = 0) {
    self.absolute = absolute
    self.relative = relative
    self.ulps = ulps
  }
}

/// How the elements of two tensors of one shape differ; built up piece by piece.
public struct TensorComparison: Sendable, Hashable {
  public private(set) var elementCount = 0
  /// Elements further apart than the tolerance.
  public private(set) var changedCount = 0
  /// Pairs of which one is NaN or infinite and the other is not the same; they have no distance.
  public private(set) var nonFiniteCount = 0
  /// Elements equal as numbers whose bits differ all the same: 0 and -0.
  public private(set) var zeroSignCount = 0
  /// The largest distance of a finite pair, within the tolerance or not.
  public private(set) var maximumDistance = 0.0
  /// Where that is, counted row-major: the first such element; nil when no finite pair is apart.
  public private(set) var maximumPosition: Int?
  private var distanceSum = 0.0
  private var squaredDistanceSum = 0.0
  /// Over the finite elements of the first tensor.
  private var squareSum = 0.0

  public init() {}

  /// The mean distance over all finite pairs; 0 when there are none.
  public var meanDistance: Double { finiteCount > 0 ? distanceSum / Double(finiteCount) : 0 }

  /// sqrt(mean((b - a)^2)) over all finite pairs; 0 when there are none.
  public var rootMeanSquareDistance: Double {
    finiteCount > 0 ? (squaredDistanceSum / Double(finiteCount)).squareRoot() : 0
  }

  /// ``rootMeanSquareDistance`` relative to the root-mean-square of the first tensor; infinite for a
  /// change of zeros, 0 without change.
  public var relativeChange: Double {
    squaredDistanceSum == 0 ? 0 : (squaredDistanceSum / squareSum).squareRoot()
  }

  private var finiteCount: Int { elementCount - nonFiniteCount }

  /// Adds two pieces at the same place. Integers and Bool are compared exactly, floating point in
  /// double. Traps unless shapes and dtypes agree.
  ///
  /// - Parameter position: of the first element in the whole tensors, counted row-major.
  public mutating func add(_ a: Tensor, _ b: Tensor, tolerance: Tolerance, at position: Int = 0) {
    precondition(
      a.shape == b.shape && a.dtype == b.dtype,
      "cannot compare \(a.dtype) \(a.shape) with \(b.dtype) \(b.shape)")
    elementCount += a.elementCount
    switch a.dtype {
    case .float32: addLanes(a, b, of: Float.self, tolerance, at: position)
    case .float64: addLanes(a, b, of: Double.self, tolerance, at: position)
    default:
      func compare<Element: TensorElement>(_ type: Element.Type) {
        a.withElements(of: type) { a in
          b.withElements(of: type) { b in
            addElements(a, b, a.indices, tolerance, at: position)
          }
        }
      }
      a.dtype.withElementType { compare($0) }
    }
  }

  /// Appends what was found in the elements that follow.
  public mutating func append(_ next: TensorComparison) {
    elementCount += next.elementCount
    changedCount += next.changedCount
    nonFiniteCount += next.nonFiniteCount
    zeroSignCount += next.zeroSignCount
    if next.maximumDistance > maximumDistance {
      maximumDistance = next.maximumDistance
      maximumPosition = next.maximumPosition
    }
    distanceSum += next.distanceSum
    squaredDistanceSum += next.squaredDistanceSum
    squareSum += next.squareSum
  }
}

// MARK: - Elements

extension TensorComparison {
  private mutating func addElements<Element: TensorElement>(
    _ a: UnsafeBufferPointer<Element>, _ b: UnsafeBufferPointer<Element>, _ range: Range<Int>,
    _ tolerance: Tolerance, at position: Int
  ) {
    for index in range {
      let x = a[index].number
      if x.double.isFinite { squareSum += x.double * x.double }
      if a[index].isIdentical(to: b[index]) { continue }
      let y = b[index].number
      if case .floating(let x) = x, case .floating(let y) = y, !(x - y).isFinite {
        nonFiniteCount += 1
        changedCount += 1
        continue
      }
      let distance = x.distance(to: y)
      if distance == 0 {
        zeroSignCount += 1
        continue
      }
      if distance > maximumDistance {
        maximumDistance = distance
        maximumPosition = position + index
      }
      distanceSum += distance
      squaredDistanceSum += distance * distance
      if distance > tolerance.absolute + tolerance.relative * y.double.magnitude,
        tolerance.ulps == 0 || a[index].steps(to: b[index]) > UInt64(tolerance.ulps)
      {
        changedCount += 1
      }
    }
  }

  /// The same by a kernel, where all of a stretch are finite.
  private mutating func addLanes<Element: ComparableInLanes>(
    _ a: Tensor, _ b: Tensor, of type: Element.Type, _ tolerance: Tolerance, at position: Int
  ) {
    a.withElements(of: type) { a in
      b.withElements(of: type) { b in
        let length = 2048
        for start in stride(from: 0, to: a.count, by: length) {
          let range = start..<min(start + length, a.count)
          if tolerance.ulps == 0, range.count % CK_COMPARED == 0,
            addFinite(a, b, range, tolerance, at: position)
          {
            continue
          }
          addElements(a, b, range, tolerance, at: position)
        }
      }
    }
  }

  /// False, and nothing added, where an element is not finite.
  private mutating func addFinite<Element: ComparableInLanes>(
    _ a: UnsafeBufferPointer<Element>, _ b: UnsafeBufferPointer<Element>, _ range: Range<Int>,
    _ tolerance: Tolerance, at position: Int
  ) -> Bool {
    var found = ck_comparison()
    Element.compare(
      range.count, a.baseAddress! + range.lowerBound, b.baseAddress! + range.lowerBound,
      tolerance.absolute, tolerance.relative, &found)
    let squares = SIMD8(found.squares).sum()
    let firstSquares = SIMD8(found.first_squares).sum()
    guard (squares + firstSquares).isFinite else { return false }
    changedCount += Int(SIMD8(found.changed).wrappedSum())
    zeroSignCount += Int(SIMD8(found.other_zeros).wrappedSum())
    distanceSum += SIMD8(found.sum).sum()
    squaredDistanceSum += squares
    squareSum += firstSquares
    let most = SIMD8(found.greatest).max()
    if most > maximumDistance {
      maximumDistance = most
      maximumPosition = range.first { (Double(b[$0]) - Double(a[$0])).magnitude == most }
        .map { position + $0 }
    }
    return true
  }
}

/// What a kernel compares eight at a time.
private protocol ComparableInLanes: TensorElement, BinaryFloatingPoint {
  static var compare:
    (
      Int, UnsafePointer<Self>, UnsafePointer<Self>, Double, Double,
      UnsafeMutablePointer<ck_comparison>
    ) -> Void
  { get }
}

extension Float: ComparableInLanes {
  fileprivate static var compare:
    (
      Int, UnsafePointer<Float>, UnsafePointer<Float>, Double, Double,
      UnsafeMutablePointer<ck_comparison>
    ) -> Void
  { { ck_compare_f32($0, $1, $2, $3, $4, $5) } }
}

extension Double: ComparableInLanes {
  fileprivate static var compare:
    (
      Int, UnsafePointer<Double>, UnsafePointer<Double>, Double, Double,
      UnsafeMutablePointer<ck_comparison>
    ) -> Void
  { { ck_compare_f64($0, $1, $2, $3, $4, $5) } }
}

extension SIMD8 {
  /// The lanes of an array in C.
  fileprivate init(_ lanes: (Scalar, Scalar, Scalar, Scalar, Scalar, Scalar, Scalar, Scalar)) {
    self.init(lanes.0, lanes.1, lanes.2, lanes.3, lanes.4, lanes.5, lanes.6, lanes.7)
  }
}

extension Number {
  /// |self - other|; of 64-bit integers exact up to the final rounding to double.
  fileprivate func distance(to other: Number) -> Double {
    switch (self, other) {
    case (.signed(let a), .signed(let b)):
      Double(a > b ? UInt64(bitPattern: a &- b) : UInt64(bitPattern: b &- a))
    case (.unsigned(let a), .unsigned(let b)): Double(a > b ? a - b : b - a)
    default: (double - other.double).magnitude
    }
  }
}

extension TensorElement {
  /// How many floating-point numbers of this type lie between two finite ones, the second included; 0 for
  /// two zeros. Integers have no such distance.
  fileprivate func steps(to other: Self) -> UInt64 {
    guard Self.dtype.isFloatingPoint else { return .max }
    let (a, b) = (orderedBits, other.orderedBits)
    return UInt64(bitPattern: a > b ? a &- b : b &- a)
  }

  /// An integer that rises by one from each floating-point number to the next; 0 for both zeros.
  private var orderedBits: Int64 {
    let bits: Int64 = withUnsafeBytes(of: self) { bytes in
      switch bytes.count {
      case 2: Int64(bytes.load(as: Int16.self))
      case 4: Int64(bytes.load(as: Int32.self))
      default: bytes.load(as: Int64.self)
      }
    }
    guard bits < 0 else { return bits }
    let sign: Int64 = -1 << Int64(MemoryLayout<Self>.size * 8 - 1)
    return sign &- bits
  }
}
