import CHDF5

/// A libhdf5 datatype: made from an element type, or recognised as one.
enum Datatype {
  /// The libhdf5 type of an element, in little-endian order: the stored type of what this module
  /// writes and, since every platform of Swift is little-endian, the type in memory.
  static func make(
    _ type: HDF5ElementType, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    switch type {
    case .float16: try makeFloat16(at: location)
    case .float32: try copy(chdf5_ieee_f32le, at: location)
    case .float64: try copy(chdf5_ieee_f64le, at: location)
    case .int8: try copy(chdf5_std_i8le, at: location)
    case .int16: try copy(chdf5_std_i16le, at: location)
    case .int32: try copy(chdf5_std_i32le, at: location)
    case .int64: try copy(chdf5_std_i64le, at: location)
    case .uint8: try copy(chdf5_std_u8le, at: location)
    case .uint16: try copy(chdf5_std_u16le, at: location)
    case .uint32: try copy(chdf5_std_u32le, at: location)
    case .uint64: try copy(chdf5_std_u64le, at: location)
    case .bool: try makeBool(at: location)
    case .bfloat16: try makeOpaque(byteCount: 2, tag: "", at: location)
    case .opaque(let byteCount, let tag):
      try makeOpaque(byteCount: byteCount, tag: tag, at: location)
    case .string(let string): try makeString(string, at: location)
    case .unsupported(let text):
      throw location.error(
        .typeMismatch, "expected a type that can be read and written, found \(text)",
        during: "H5Tcreate")
    }
  }

  /// The global type is taken under the lock: naming it may initialise the library.
  private static func copy(
    _ type: () -> hid_t, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    try location.acquire(.datatype, "H5Tcopy") { H5Tcopy(type()) }
  }

  /// Half precision has no predefined type in libhdf5 1.10: sign at bit 15, exponent of 5 bits at
  /// 10 with bias 15, mantissa of 10 bits at 0, as h5py builds it.
  private static func makeFloat16(at location: HDF5Location) throws(HDF5Error) -> Handle {
    let type = try copy(chdf5_ieee_f32le, at: location)
    try location.call("H5Tset_fields") { H5Tset_fields(type.id, 15, 10, 5, 0, 10) }
    try location.call("H5Tset_size") { H5Tset_size(type.id, 2) }
    try location.call("H5Tset_ebias") { H5Tset_ebias(type.id, 15) }
    return type
  }

  private static func makeBool(at location: HDF5Location) throws(HDF5Error) -> Handle {
    let type = try location.acquire(.datatype, "H5Tenum_create") {
      H5Tenum_create(chdf5_std_i8le())
    }
    for (name, value) in [("FALSE", Int8(0)), ("TRUE", Int8(1))] {
      try location.call("H5Tenum_insert") {
        withUnsafePointer(to: value) { H5Tenum_insert(type.id, name, $0) }
      }
    }
    return type
  }

  private static func makeOpaque(
    byteCount: Int, tag: String, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    guard byteCount > 0, tag.utf8.count < 256, !tag.utf8.contains(0) else {
      throw location.error(
        .invalidArgument,
        "expected an opaque type of at least 1 byte with a tag below 256 bytes without NUL, "
          + "found \(byteCount) bytes and a tag of \(tag.utf8.count)", during: "H5Tcreate")
    }
    let type = try location.acquire(.datatype, "H5Tcreate") { H5Tcreate(H5T_OPAQUE, byteCount) }
    try location.call("H5Tset_tag") { H5Tset_tag(type.id, tag) }
    return type
  }

  private static func makeString(
    _ string: HDF5StringType, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let size: Int
    let padding: H5T_str_t
    let characterSet: HDF5CharacterSet
    switch string {
    case .variable(let set):
      (size, padding, characterSet) = (chdf5_t_variable(), H5T_STR_NULLTERM, set)
    case .fixed(let byteCount, let fill, let set):
      guard byteCount > 0 else {
        throw location.error(
          .invalidArgument, "expected a text of at least 1 byte, found \(byteCount)",
          during: "H5Tset_size")
      }
      size = byteCount
      characterSet = set
      switch fill {
      case .nullTerminated: padding = H5T_STR_NULLTERM
      case .nullPadded: padding = H5T_STR_NULLPAD
      case .spacePadded: padding = H5T_STR_SPACEPAD
      }
    }
    let type = try copy(chdf5_c_s1, at: location)
    try location.call("H5Tset_size") { H5Tset_size(type.id, size) }
    try location.call("H5Tset_strpad") { H5Tset_strpad(type.id, padding) }
    try location.call("H5Tset_cset") {
      H5Tset_cset(type.id, characterSet == .ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8)
    }
    return type
  }
}
