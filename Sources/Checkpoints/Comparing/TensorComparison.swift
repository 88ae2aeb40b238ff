public import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How far two numbers may lie apart and still count as equal: |a - b| <= absolute + relative * |b|.
public struct Tolerance: Sendable, Hashable {
  public var absolute: Double
  public var relative: Double

  /// Both zero: numbers must be equal. NaN equals NaN, and -0 equals 0.
  public static let exact = Tolerance(absolute: 0, relative: 0)

  public init(absolute: Double = 0, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
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
  private var distanceSum = 0.0

  public init() {}

  /// The mean distance over all finite pairs; 0 when there are none.
  public var meanDistance: Double {
    let finite = elementCount - nonFiniteCount
    return finite > 0 ? distanceSum / Double(finite) : 0
  }

  /// Adds two pieces at the same place. Integers and Bool are compared exactly, floating point in
  /// double. Traps unless shapes and dtypes agree.
  public mutating func add(_ a: Tensor, _ b: Tensor, tolerance: Tolerance) {
    precondition(
      a.shape == b.shape && a.dtype == b.dtype,
      "cannot compare \(a.dtype) \(a.shape) with \(b.dtype) \(b.shape)")
    elementCount += a.elementCount
    a.withUnsafeBytes { bytesOfA in
      b.withUnsafeBytes { bytesOfB in
        if bytesOfA.isEqual(to: bytesOfB) { return }
        func compare<Element: TensorElement>(_: Element.Type) {
          addElements(
            bytesOfA.bindMemory(to: Element.self), bytesOfB.bindMemory(to: Element.self),
            tolerance)
        }
        a.dtype.withElementType { compare($0) }
      }
    }
  }

  private mutating func addElements<Element: TensorElement>(
    _ a: UnsafeBufferPointer<Element>, _ b: UnsafeBufferPointer<Element>, _ tolerance: Tolerance
  ) {
    for index in a.indices where !a[index].isIdentical(to: b[index]) {
      let x = a[index].number
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
      maximumDistance = max(maximumDistance, distance)
      distanceSum += distance
      if distance > tolerance.absolute + tolerance.relative * y.double.magnitude {
        changedCount += 1
      }
    }
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

extension UnsafeRawBufferPointer {
  fileprivate func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
    guard let a = baseAddress, let b = other.baseAddress else { return count == other.count }
    return count == other.count && memcmp(a, b, count) == 0
  }
}
