import CHDF5

extension Datatype {
  /// What a stored type is.
  struct Recognised {
    let elementType: HDF5ElementType
    let byteOrder: HDF5ByteOrder
    /// The size of an element as libhdf5 counts it.
    let storedByteCount: Int
  }

  /// Recognises any stored type; one that this module does not read is `unsupported`, never an
  /// error.
  static func recognise(
    _ type: borrowing Handle, at location: HDF5Location
  ) throws(HDF5Error) -> Recognised {
    let id = type.id
    let typeClass = try location.call("H5Tget_class") { H5Tget_class(id).rawValue }
    let size = HDF5Library.query { H5Tget_size(id) }
    var order = HDF5ByteOrder.littleEndian
    let element: HDF5ElementType
    switch typeClass {
    case _ where size == 0:
      // Only in a damaged file; any number of such elements would take no space.
      element = .unsupported("type of 0 bytes")
    case H5T_INTEGER.rawValue:
      order = byteOrder(of: id)
      element = integer(id, size: size)
    case H5T_FLOAT.rawValue:
      order = byteOrder(of: id)
      element = float(id, size: size, order: order)
    case H5T_ENUM.rawValue:
      element = isBool(id, size: size) ? .bool : .unsupported("enumeration of \(size) bytes")
    case H5T_OPAQUE.rawValue:
      let tag = takeString { H5Tget_tag(id) }
      element = size == 2 && tag.isEmpty ? .bfloat16 : .opaque(byteCount: size, tag: tag)
    case H5T_STRING.rawValue:
      element = string(id, size: size)
    default:
      element = .unsupported("\(name(ofClass: typeClass)) of \(size) bytes")
    }
    return Recognised(elementType: element, byteOrder: order, storedByteCount: size)
  }

  private static func byteOrder(of id: hid_t) -> HDF5ByteOrder {
    HDF5Library.query { H5Tget_order(id) } == H5T_ORDER_BE ? .bigEndian : .littleEndian
  }

  private static func integer(_ id: hid_t, size: Int) -> HDF5ElementType {
    let (sign, precision, offset, order) = HDF5Library.query {
      (H5Tget_sign(id), H5Tget_precision(id), H5Tget_offset(id), H5Tget_order(id))
    }
    let isWhole = precision == size * 8 && offset == 0
    guard isWhole, order == H5T_ORDER_LE || order == H5T_ORDER_BE else {
      return .unsupported("integer of \(precision) bits in \(size) bytes")
    }
    switch (size, sign == H5T_SGN_2) {
    case (1, true): return .int8
    case (2, true): return .int16
    case (4, true): return .int32
    case (8, true): return .int64
    case (1, false): return .uint8
    case (2, false): return .uint16
    case (4, false): return .uint32
    case (8, false): return .uint64
    default: return .unsupported("integer of \(size) bytes")
    }
  }

  private static func float(
    _ id: hid_t, size: Int, order: HDF5ByteOrder
  ) -> HDF5ElementType {
    let isLittle = order == .littleEndian
    switch size {
    case 2 where isIEEEHalf(id): return .float16
    case 4 where equal(id, isLittle ? chdf5_ieee_f32le : chdf5_ieee_f32be): return .float32
    case 8 where equal(id, isLittle ? chdf5_ieee_f64le : chdf5_ieee_f64be): return .float64
    default: return .unsupported("floating point of \(size) bytes, not IEEE 754")
    }
  }

  private static func equal(_ id: hid_t, _ other: () -> hid_t) -> Bool {
    HDF5Library.query { H5Tequal(id, other()) } > 0
  }

  private static func isIEEEHalf(_ id: hid_t) -> Bool {
    HDF5Library.query {
      var (sign, exponent, exponentSize, mantissa, mantissaSize) = (0, 0, 0, 0, 0)
      return H5Tget_fields(id, &sign, &exponent, &exponentSize, &mantissa, &mantissaSize) >= 0
        && (sign, exponent, exponentSize, mantissa, mantissaSize) == (15, 10, 5, 0, 10)
        && H5Tget_ebias(id) == 15 && H5Tget_norm(id) == H5T_NORM_IMPLIED
        && (H5Tget_order(id) == H5T_ORDER_LE || H5Tget_order(id) == H5T_ORDER_BE)
    }
  }

  /// Whether an enumeration has exactly the members FALSE = 0 and TRUE = 1 in one byte.
  private static func isBool(_ id: hid_t, size: Int) -> Bool {
    guard size == 1, HDF5Library.query({ H5Tget_nmembers(id) }) == 2 else { return false }
    var values: [String: UInt8] = [:]
    for index in UInt32(0)..<2 {
      var value: UInt8 = 0xFF
      guard HDF5Library.query({ H5Tget_member_value(id, index, &value) }) >= 0 else {
        return false
      }
      values[takeString { H5Tget_member_name(id, index) }] = value
    }
    return values == ["FALSE": 0, "TRUE": 1]
  }

  private static func string(_ id: hid_t, size: Int) -> HDF5ElementType {
    let (isVariable, set, padding) = HDF5Library.query {
      (H5Tis_variable_str(id) > 0, H5Tget_cset(id), H5Tget_strpad(id))
    }
    let characterSet: HDF5CharacterSet = set == H5T_CSET_ASCII ? .ascii : .utf8
    if isVariable { return .string(.variable(characterSet)) }
    let fill: HDF5StringPadding
    switch padding {
    case H5T_STR_NULLPAD: fill = .nullPadded
    case H5T_STR_SPACEPAD: fill = .spacePadded
    default: fill = .nullTerminated
    }
    return .string(.fixed(byteCount: size, padding: fill, characterSet: characterSet))
  }

  /// Copies a text that libhdf5 has allocated, and frees it.
  private static func takeString(_ body: () -> UnsafeMutablePointer<CChar>?) -> String {
    HDF5Library.query {
      guard let text = body() else { return "" }
      defer { H5free_memory(text) }
      return String(cString: text)
    }
  }

  private static func name(ofClass typeClass: Int32) -> String {
    switch typeClass {
    case H5T_TIME.rawValue: "time"
    case H5T_BITFIELD.rawValue: "bit field"
    case H5T_COMPOUND.rawValue: "compound"
    case H5T_REFERENCE.rawValue: "reference"
    case H5T_VLEN.rawValue: "variable-length sequence"
    case H5T_ARRAY.rawValue: "array"
    default: "unknown type (class \(typeClass))"
    }
  }
}
