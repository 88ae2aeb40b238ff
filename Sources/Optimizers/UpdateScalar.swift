internal import CKernels
public import Tensors

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
}

// The kernel's square root compiles to one instruction; the standard library's is a call on Linux,
// which keeps the loop around it from being vectorized.

extension Float: UpdateScalar {
  public static func sqrt(_ value: Float) -> Float { ck_sqrt_f32(value) }
}

extension Double: UpdateScalar {
  public static func sqrt(_ value: Double) -> Double { ck_sqrt_f64(value) }
}

// A 16-bit operation done in float32 and rounded back is rounded as if once: float32 has more than
// twice the digits and two (Figueroa, "When is double rounding innocuous?", 1995).

extension Float16: UpdateScalar {
  public static func sqrt(_ value: Float16) -> Float16 { Float16(Float.sqrt(Float(value))) }
}

extension BFloat16: UpdateScalar {
  public init(_ value: Double) { self.init(rounding: .floating(value)) }
  public static func + (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float + b.float) }
  public static func - (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float - b.float) }
  public static func * (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float * b.float) }
  public static func / (a: BFloat16, b: BFloat16) -> BFloat16 { BFloat16(a.float / b.float) }
  public static func sqrt(_ value: BFloat16) -> BFloat16 { BFloat16(Float.sqrt(value.float)) }
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
