import KerasConfiguration
import Tensors

/// The header of a `.npy` array: what it is, and where its elements begin.
///
/// Source: NumPy's format description, numpy.lib.format, versions 1.0 to 3.0.
struct NumPyHeader {
  let shape: Shape
  /// NumPy's own word, such as `<f4`.
  let descriptor: String
  let isColumnMajor: Bool
  /// Bytes before the first element.
  let byteCount: Int

  /// The most that a header takes.
  static let byteCountLimit = 1 << 16

  private static let magic: [UInt8] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]

  /// - Parameter bytes: the array from its first byte; enough of it.
  /// - Returns: nil for anything else than such a header.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 12, bytes.starts(with: Self.magic), (1...3).contains(bytes[6]) else {
      return nil
    }
    let lengthSize = bytes[6] == 1 ? 2 : 4
    let length = bytes[8..<8 + lengthSize].reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = 8 + lengthSize
    guard length <= bytes.count - start else { return nil }
    byteCount = start + length
    var parser = PythonLiteral(bytes[start..<byteCount])
    guard let fields = parser.dictionary(), let descriptor = fields.descriptor,
      let shape = fields.shape.flatMap(Shape.init(validating:)), let order = fields.isColumnMajor
    else { return nil }
    self.descriptor = descriptor
    self.shape = shape
    isColumnMajor = order
  }

  /// A version 1.0 header, padded so that the elements begin at a multiple of 64 bytes, as NumPy's own.
  static func bytes(_ shape: Shape, descriptor: String) -> [UInt8] {
    var text =
      "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }"
    let used = 10 + text.utf8.count + 1
    text += String(repeating: " ", count: (64 - used % 64) % 64) + "\n"
    let length = text.utf8.count
    return magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + Array(text.utf8)
  }
}

// MARK: - Types

extension NumPyHeader {
  private static let types: [(DType, String)] = [
    (.float16, "f2"), (.float32, "f4"), (.float64, "f8"), (.int8, "i1"), (.int16, "i2"),
    (.int32, "i4"), (.int64, "i8"), (.uint8, "u1"), (.uint16, "u2"), (.uint32, "u4"),
    (.uint64, "u8"), (.bool, "b1"),
    // NumPy has no bfloat16: two bytes without meaning, as it stores that of the package ml_dtypes.
    (.bfloat16, "V2"),
  ]

  /// Nil for a type that no tensor has.
  var dtype: DType? { Self.types.first { $0.1 == descriptor.dropFirst() }?.0 }

  var isBigEndian: Bool { descriptor.hasPrefix(">") }

  /// Bytes of one element; nil for types that have no fixed number here.
  var elementByteCount: Int? {
    if let dtype { return dtype.byteCount }
    guard let kind = descriptor.dropFirst().first, let count = Int(descriptor.dropFirst(2)),
      count >= 0, count <= 1 << 30
    else { return nil }
    switch kind {
    case "U": return count * 4
    case "S", "V", "c", "f", "M", "m": return count
    default: return nil
    }
  }

  static func descriptor(of dtype: DType) -> String {
    let order = dtype == .bfloat16 || dtype.byteCount == 1 ? "|" : "<"
    return order + types.first { $0.0 == dtype }!.1
  }
}

/// The one form of Python's literals that headers have: a dictionary of a text, a truth value and a tuple
/// of integers. Nothing is evaluated.
private struct PythonLiteral {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  struct Fields {
    var descriptor: String?
    var shape: [Int]?
    var isColumnMajor: Bool?
  }

  mutating func dictionary() -> Fields? {
    var fields = Fields()
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = text(), take(":") else { return nil }
      switch key {
      case "descr":
        guard let value = text(), fields.descriptor == nil else { return nil }
        fields.descriptor = value
      case "fortran_order":
        guard fields.isColumnMajor == nil else { return nil }
        if take("True") {
          fields.isColumnMajor = true
        } else if take("False") {
          fields.isColumnMajor = false
        } else {
          return nil
        }
      case "shape":
        guard let value = tuple(), fields.shape == nil else { return nil }
        fields.shape = value
      default: return nil
      }
      guard take(",") || rest.first(where: { $0 != 0x20 }) == UInt8(ascii: "}") else { return nil }
    }
    return fields
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var extents: [Int] = []
    while !take(")") {
      skipSpaces()
      let digits = rest.prefix { (0x30...0x39).contains($0) }
      guard let extent = Int(String(decoding: digits, as: UTF8.self)), extents.count < 64 else {
        return nil
      }
      rest = rest.dropFirst(digits.count)
      extents.append(extent)
      guard take(",") || rest.first(where: { $0 != 0x20 }) == UInt8(ascii: ")") else { return nil }
    }
    return extents
  }

  private mutating func text() -> String? {
    skipSpaces()
    guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      return nil
    }
    rest = rest.dropFirst()
    guard let end = rest.firstIndex(of: quote) else { return nil }
    let text = String(decoding: rest[..<end], as: UTF8.self)
    rest = rest[rest.index(after: end)...]
    return text
  }

  private mutating func take(_ token: String) -> Bool {
    skipSpaces()
    guard rest.starts(with: token.utf8) else { return false }
    rest = rest.dropFirst(token.utf8.count)
    return true
  }

  private mutating func skipSpaces() {
    rest = rest.drop { $0 == 0x20 || $0 == 0x0a }
  }
}
