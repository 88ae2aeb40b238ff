internal import CKernels
public import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A floating-point element with the arithmetic that update rules are written in. Every operation is
/// rounded once to the type, to nearest, ties to even.
public protocol UpdateScalar: TensorElement {
  /// Rounded once.
  init(_ value: Float)
  /// Rounded once.
  init(_ value: Double)
  static func + (a: Self, b: Self) -> Self
  static func - (a: Self, b: Self) -> Self
  static func * (a: Self, b: Self) -> Self
  static func / (a: Self, b: Self) -> Self
  /// The square root, correctly rounded; NaN of a negative number.
  static func sqrt(_ value: Self) -> Self
  /// `1 / sqrt(value)`: in float32 and float64 the root and the quotient are rounded, each once; in 16
  /// bits both are taken in float32 and the result is rounded.
  static func reciprocalSquareRoot(_ value: Self) -> Self
  /// `base` to the power of `exponent`, from the C library; in 16 bits that of float32, rounded.
  static func pow(_ base: Self, _ exponent: Self) -> Self
  /// The greater of the two; NaN if either is NaN.
  static func maximum(_ a: Self, _ b: Self) -> Self
}

/// The C library's function, whose name the static functions below hide.
private func doublePower(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

// The kernel's square root compiles to one instruction; the standard library's is a call on Linux,
// which keeps the loop around it from being vectorized.

extension Float: UpdateScalar {
  public static func sqrt(_ value: Float) -> Float { ck_sqrt_f32(value) }
  public static func reciprocalSquareRoot(_ value: Float) -> Float { 1 / ck_sqrt_f32(value) }
  public static func pow(_ base: Float, _ exponent: Float) -> Float { powf(base, exponent) }
  public static func maximum(_ a: Float, _ b: Float) -> Float { a > b || a.isNaN ? a : b }
}

extension Double: UpdateScalar {
  public static func sqrt(_ value: Double) -> Double { ck_sqrt_f64(value) }
  public static func reciprocalSquareRoot(_ value: Double) -> Double { 1 / ck_sqrt_f64(value) }
  public static func pow(_ base: Double, _ exponent: Double) -> Double {
    doublePower(base, exponent)
  }
  public static func maximum(_ a: Double, _ b: Double) -> Double { a > b || a.isNaN ? a : b }
}

// A 16-bit operation done in float32 and rounded back is rounded as if once: float32 has more than
// twice the digits and two (Figueroa, "When is double rounding innocuous?", 1995).

extension Float16: UpdateScalar {
  public static func sqrt(_ value: Float16) -> Float16 { Float16(Float.sqrt(Float(value))) }
  public static func reciprocalSquareRoot(_ value: Float16) -> Float16 {
    Float16(Float.reciprocalSquareRoot(Float(value)))
  }
  public static func pow(_ base: Float16, _ exponent: Float16) -> Float16 {
    Float16(Float.pow(Float(base), Float(exponent)))
  }
  public static func maximum(_ a: Float16, _ b: Float16) -> Float16 { a > b || a.isNaN ? a : b }
}

extension BFloat16: UpdateScalar {
  public init(_ value: Double) { self.init(rounding: .floating(value)) }
  public static func + (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float + b.float) }
  public static func - (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float - b.float) }
  public static func * (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float * b.float) }
  public static func / (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float / b.float) }
  public static func sqrt(_ value: BFloat16) -> BFloat16 { BFloat16(Float.sqrt(value.float)) }
  public static func reciprocalSquareRoot(_ value: BFloat16) -> BFloat16 {
    BFloat16(Float.reciprocalSquareRoot(value.float))
  }
  public static func pow(_ base: BFloat16, _ exponent: BFloat16) -> BFloat16 {
    BFloat16(Float.pow(base.float, exponent.float))
  }
  public static func maximum(_ a: BFloat16, _ b: BFloat16) -> BFloat16 {
    a.float > b.float || a.float.isNaN ? a : b
  }
}

// MARK: - Elements of planes

extension Plane {
  /// The values before the step.
  public func oldElements<T: UpdateScalar>(of _: T.Type = T.self) -> UnsafePointer<T> {
    old.assumingMemoryBound(to: T.self)
  }

  /// Where the values after the step go.
  public func newElements<T: UpdateScalar>(of _: T.Type = T.self) -> UnsafeMutablePointer<T> {
    new.assumingMemoryBound(to: T.self)
  }
}
