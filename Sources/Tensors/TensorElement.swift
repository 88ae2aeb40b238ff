/// A Swift type whose values are a tensor's elements.
public protocol TensorElement: Sendable, BitwiseCopyable {
  static var dtype: DType { get }

  /// The value of `number`, rounded once to the nearest representable one (ties to even). Integer
  /// types cut the fraction off and stop at their limits, NaN giving 0; `Bool` asks for non-zero.
  init(rounding number: Number)

  /// This element's exact value.
  var number: Number { get }

  /// Equal bits, or both NaN.
  func isIdentical(to other: Self) -> Bool
}

/// An element's value before it is rounded to another type: no conversion goes through a type that
/// cannot hold it exactly.
public enum Number: Sendable {
  case floating(Double)
  case signed(Int64)
  case unsigned(UInt64)

  /// As a double, rounded if it is an integer beyond 2^53.
  public var double: Double {
    switch self {
    case .floating(let value): value
    case .signed(let value): Double(value)
    case .unsigned(let value): Double(value)
    }
  }
}

// MARK: - Floating point

extension Float: TensorElement {
  public static var dtype: DType { .float32 }
  public init(rounding number: Number) {
    switch number {
    case .floating(let value): self = Float(value)
    case .signed(let value): self = Float(value)
    case .unsigned(let value): self = Float(value)
    }
  }
  public var number: Number { .floating(Double(self)) }
  public func isIdentical(to other: Float) -> Bool {
    bitPattern == other.bitPattern || (isNaN && other.isNaN)
  }
}

extension Double: TensorElement {
  public static var dtype: DType { .float64 }
  public init(rounding number: Number) { self = number.double }
  public var number: Number { .floating(self) }
  public func isIdentical(to other: Double) -> Bool {
    bitPattern == other.bitPattern || (isNaN && other.isNaN)
  }
}

extension Float16: TensorElement {
  public static var dtype: DType { .float16 }
  public init(rounding number: Number) {
    switch number {
    case .floating(let value): self = Float16(value)
    case .signed(let value): self = Float16(value)
    case .unsigned(let value): self = Float16(value)
    }
  }
  public var number: Number { .floating(Double(self)) }
  public func isIdentical(to other: Float16) -> Bool {
    bitPattern == other.bitPattern || (isNaN && other.isNaN)
  }
}

/// The upper half of a binary32: 8 exponent bits, 7 fraction bits.
public struct BFloat16: TensorElement, Hashable {
  public var bitPattern: UInt16

  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// Rounded to nearest, ties to even; a NaN stays a NaN.
  public init(_ value: Float) {
    let bits = value.bitPattern
    if value.isNaN {
      bitPattern = UInt16(bits >> 16) | 0x40
    } else {
      bitPattern = UInt16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)
    }
  }

  public static var dtype: DType { .bfloat16 }

  public init(rounding number: Number) { self.init(Float(roundedToOdd: number)) }

  public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
  public var number: Number { .floating(Double(float)) }
  public func isIdentical(to other: BFloat16) -> Bool {
    bitPattern == other.bitPattern || (float.isNaN && other.float.isNaN)
  }
}

extension Float {
  /// `number` cut toward zero with the last bit set if anything was lost, so that a second rounding
  /// to a shorter type comes out as if it were the only one.
  fileprivate init(roundedToOdd number: Number) {
    let nearest = Float(rounding: number)
    let error: Int  // the sign of |nearest| - |number|
    switch number {
    case .floating(let value):
      error = (Double(nearest).magnitude - value.magnitude).signumOrZero
    case .signed(let value):
      error = Self.compareMagnitude(nearest, value.magnitude)
    case .unsigned(let value):
      error = Self.compareMagnitude(nearest, value)
    }
    guard error != 0 else {
      self = nearest
      return
    }
    let towardZero = error > 0 ? nearest.bitPattern - 1 : nearest.bitPattern
    self = Float(bitPattern: towardZero | 1)
  }

  private static func compareMagnitude(_ value: Float, _ integer: UInt64) -> Int {
    guard let exact = UInt64(exactly: value.magnitude) else { return 1 }  // rounded up to 2^64
    return exact == integer ? 0 : exact > integer ? 1 : -1
  }
}

extension Double {
  fileprivate var signumOrZero: Int { self > 0 ? 1 : self < 0 ? -1 : 0 }
}

// MARK: - Integers and Bool

extension FixedWidthInteger where Self: TensorElement {
  public init(rounding number: Number) {
    switch number {
    case .signed(let value): self = Self(clamping: value)
    case .unsigned(let value): self = Self(clamping: value)
    case .floating(let value):
      if value.isNaN {
        self = 0
      } else if let exact = Self(exactly: value.rounded(.towardZero)) {
        self = exact
      } else {
        self = value < 0 ? .min : .max
      }
    }
  }
  public var number: Number {
    Self.isSigned ? .signed(Int64(self)) : .unsigned(UInt64(self))
  }
  public func isIdentical(to other: Self) -> Bool { self == other }
}

extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension UInt16: TensorElement { public static var dtype: DType { .uint16 } }
extension UInt32: TensorElement { public static var dtype: DType { .uint32 } }
extension UInt64: TensorElement { public static var dtype: DType { .uint64 } }

extension Bool: TensorElement {
  public static var dtype: DType { .bool }
  public init(rounding number: Number) { self = number.double != 0 }
  public var number: Number { .signed(self ? 1 : 0) }
  public func isIdentical(to other: Bool) -> Bool { self == other }
}

// MARK: - From a dtype to its element type

extension DType {
  /// Calls `body` with the Swift type of this dtype's elements.
  package func withElementType<Result>(_ body: (any TensorElement.Type) -> Result) -> Result {
    switch self {
    case .float16: body(Float16.self)
    case .bfloat16: body(BFloat16.self)
    case .float32: body(Float.self)
    case .float64: body(Double.self)
    case .int8: body(Int8.self)
    case .int16: body(Int16.self)
    case .int32: body(Int32.self)
    case .int64: body(Int64.self)
    case .uint8: body(UInt8.self)
    case .uint16: body(UInt16.self)
    case .uint32: body(UInt32.self)
    case .uint64: body(UInt64.self)
    case .bool: body(Bool.self)
    }
  }
}
