/// The type of one element of a dataset or attribute, apart from its byte order.
public enum HDF5ElementType: Hashable, Sendable {
  /// IEEE 754 half precision, 2 bytes.
  case float16
  /// IEEE 754 single precision, 4 bytes.
  case float32
  /// IEEE 754 double precision, 8 bytes.
  case float64
  /// Brain float, stored as h5py does: opaque, 2 bytes, with an empty tag; the bytes are the value
  /// in little-endian order.
  case bfloat16
  case int8
  case int16
  case int32
  case int64
  case uint8
  case uint16
  case uint32
  case uint64
  /// A truth value in 1 byte, stored as h5py does: an enumeration over `int8`, FALSE = 0, TRUE = 1.
  case bool
  /// Any other opaque type.
  case opaque(byteCount: Int, tag: String)
  /// Text.
  case string(HDF5StringType)
  /// A type that this module lists but does not read; the text describes it.
  case unsupported(String)
}

/// How a text is stored.
public enum HDF5StringType: Hashable, Sendable {
  /// Any length; the text lies in the file's heap.
  case variable(HDF5CharacterSet)
  /// `byteCount` bytes for every text, shorter ones filled up.
  case fixed(byteCount: Int, padding: HDF5StringPadding, characterSet: HDF5CharacterSet)
}

/// The character set that a string type declares. Texts are read as UTF-8 whatever it says: Keras
/// stores UTF-8 under either.
public enum HDF5CharacterSet: Hashable, Sendable {
  case ascii
  case utf8
}

/// How a fixed-width text shorter than its width is filled up.
public enum HDF5StringPadding: Hashable, Sendable {
  /// Ends at the first NUL byte.
  case nullTerminated
  /// NUL bytes at the end; one that fills the width has none.
  case nullPadded
  /// Spaces at the end.
  case spacePadded
}

/// The order of the bytes of a stored number.
public enum HDF5ByteOrder: Hashable, Sendable {
  case littleEndian
  case bigEndian
}

extension HDF5ElementType {
  /// The bytes that one element takes in memory; nil for texts of variable length, which are read
  /// as strings, and for unsupported types, which are not read.
  public var byteCount: Int? {
    switch self {
    case .int8, .uint8, .bool: 1
    case .float16, .bfloat16, .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64: 8
    case .opaque(let byteCount, _): byteCount
    case .string(.fixed(let byteCount, _, _)): byteCount
    case .string(.variable), .unsupported: nil
    }
  }

  /// Whether libhdf5 converts this type to and from the other numbers.
  var isNumber: Bool {
    switch self {
    case .float16, .float32, .float64, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32,
      .uint64:
      true
    case .bfloat16, .bool, .opaque, .string, .unsupported: false
    }
  }

  /// Whether elements stored in this type can be read as `other`: as themselves, and numbers and
  /// truth values as numbers.
  func isReadable(as other: HDF5ElementType) -> Bool {
    switch self {
    case .unsupported, .string(.variable): false
    default: self == other || ((isNumber || self == .bool) && other.isNumber)
    }
  }
}

extension HDF5ElementType: CustomStringConvertible {
  /// The type in words, as error messages show it: `float32`, `opaque(4 bytes, tag "x")`.
  public var description: String {
    switch self {
    case .float16: "float16"
    case .float32: "float32"
    case .float64: "float64"
    case .bfloat16: "bfloat16"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .bool: "bool"
    case .opaque(let byteCount, let tag): "opaque(\(byteCount) bytes, tag \"\(tag)\")"
    case .string(.variable): "string"
    case .string(.fixed(let byteCount, _, _)): "string(\(byteCount) bytes)"
    case .unsupported(let text): text
    }
  }
}
