import CHDF5

// MARK: - Reading

extension HDF5Attributes {
  /// A text: of variable or fixed length, in a scalar or an array of one, decoded as UTF-8.
  ///
  /// - Throws: `missing`, `typeMismatch`, `shapeMismatch`.
  public func string(_ name: String) throws(HDF5Error) -> String {
    let attribute = try Attribute(name, of: handle, at: location)
    try attribute.checkScalar()
    return try attribute.strings()[0]
  }

  /// The texts of an array in row-major order. An array without elements gives `[]` whatever its
  /// type: Keras stores an empty list of names as a `float64` array of shape (0).
  ///
  /// - Throws: `missing`, `typeMismatch`.
  public func strings(_ name: String) throws(HDF5Error) -> [String] {
    try Attribute(name, of: handle, at: location).strings()
  }

  /// An integer of any width.
  ///
  /// - Throws: `missing`, `shapeMismatch`; `typeMismatch` also for a value beyond `Int64`.
  public func integer(_ name: String) throws(HDF5Error) -> Int64 {
    let attribute = try Attribute(name, of: handle, at: location)
    try attribute.checkScalar()
    return try attribute.integers()[0]
  }

  /// The integers of an array in row-major order.
  ///
  /// - Throws: `missing`; `typeMismatch` also for a value beyond `Int64`.
  public func integers(_ name: String) throws(HDF5Error) -> [Int64] {
    try Attribute(name, of: handle, at: location).integers()
  }

  /// A number of any type, converted to the nearest `Double`.
  ///
  /// - Throws: `missing`, `typeMismatch`, `shapeMismatch`.
  public func double(_ name: String) throws(HDF5Error) -> Double {
    let attribute = try Attribute(name, of: handle, at: location)
    try attribute.checkScalar()
    return try attribute.values(as: .float64, filling: 0.0)[0]
  }

  /// The numbers of an array in row-major order, each converted to the nearest `Double`.
  ///
  /// - Throws: `missing`, `typeMismatch`.
  public func doubles(_ name: String) throws(HDF5Error) -> [Double] {
    let attribute = try Attribute(name, of: handle, at: location)
    return attribute.info.elementCount == 0
      ? [] : try attribute.values(as: .float64, filling: 0.0)
  }

  /// The elements of an attribute as they are in memory, little-endian, in their own type: for
  /// `bool`, `bfloat16`, opaque values and texts of fixed length.
  ///
  /// - Throws: `missing`; `typeMismatch` for texts of variable length and unsupported types.
  public func bytes(_ name: String) throws(HDF5Error) -> [UInt8] {
    let attribute = try Attribute(name, of: handle, at: location)
    return try attribute.values(as: attribute.info.elementType, filling: UInt8(0))
  }
}

extension Attribute {
  fileprivate func integers() throws(HDF5Error) -> [Int64] {
    switch info.elementType {
    case _ where info.elementCount == 0:
      return []
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .bool:
      return try values(as: .int64, filling: Int64(0))
    case .uint64:
      // libhdf5 would clip.
      return try values(as: .uint64, filling: UInt64(0)).map { value throws(HDF5Error) in
        if let value = Int64(exactly: value) { return value }
        throw location.error(
          .typeMismatch, "expected an integer up to \(Int64.max), found \(value)",
          during: "H5Aread")
      }
    default:
      throw location.error(
        .typeMismatch, "expected an integer, found \(info.elementType)", during: "H5Aread")
    }
  }
}
