package import HDF5
package import Tensors

extension DType {
  /// The type under which a dataset holds elements of this dtype.
  package var elementType: HDF5ElementType {
    switch self {
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .float32: .float32
    case .float64: .float64
    case .int8: .int8
    case .int16: .int16
    case .int32: .int32
    case .int64: .int64
    case .uint8: .uint8
    case .uint16: .uint16
    case .uint32: .uint32
    case .uint64: .uint64
    case .bool: .bool
    }
  }

  /// Nil for texts and other types that no tensor has.
  package init?(_ type: HDF5ElementType) {
    guard let dtype = Self.allCases.first(where: { $0.elementType == type }) else { return nil }
    self = dtype
  }
}
