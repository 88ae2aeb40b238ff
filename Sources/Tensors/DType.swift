/// The type of a tensor's elements.
///
/// Names and widths are Keras's own; `bool` takes one byte, 0 or 1.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case float16, bfloat16, float32, float64
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool

  /// Bytes that one element takes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// True of the four floating-point types, the only ones that an optimizer can train.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}

extension DType: CustomStringConvertible {
  /// Keras's name, such as `float32`.
  public var description: String { rawValue }
}
