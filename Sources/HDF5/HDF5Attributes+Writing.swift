import CHDF5

// MARK: - Writing

extension HDF5Attributes {
  /// Sets a scalar text. An attribute of that name is replaced, as by all setters.
  ///
  /// - Throws: `invalidArgument` for a NUL byte in a variable text or one too long for its width;
  ///   `library` if the attribute is too large: about 64 KiB, where a variable text counts 16 bytes.
  public func setString(
    _ value: String, for name: String, as type: HDF5StringType = .variable(.ascii)
  ) throws(HDF5Error) {
    try set(strings: [value], for: name, as: type, shape: [])
  }

  /// Sets an array of texts of shape (n). An empty one has the text type, too; Keras itself writes
  /// an empty list as `setDoubles([], for:)`.
  ///
  /// - Throws: as `setString`.
  public func setStrings(
    _ values: [String], for name: String, as type: HDF5StringType = .variable(.ascii)
  ) throws(HDF5Error) {
    try set(strings: values, for: name, as: type, shape: [values.count])
  }

  /// Sets a scalar `int64`.
  public func setInteger(_ value: Int64, for name: String) throws(HDF5Error) {
    try set(values: [value], for: name, as: .int64, shape: [])
  }

  /// Sets an array of `int64` of shape (n).
  public func setIntegers(_ values: [Int64], for name: String) throws(HDF5Error) {
    try set(values: values, for: name, as: .int64, shape: [values.count])
  }

  /// Sets a scalar `float64`.
  public func setDouble(_ value: Double, for name: String) throws(HDF5Error) {
    try set(values: [value], for: name, as: .float64, shape: [])
  }

  /// Sets an array of `float64` of shape (n).
  public func setDoubles(_ values: [Double], for name: String) throws(HDF5Error) {
    try set(values: values, for: name, as: .float64, shape: [values.count])
  }

  /// Sets elements of any type of fixed size, given as they are in memory, little-endian.
  ///
  /// - Throws: `shapeMismatch` unless there are as many bytes as the type and the shape need.
  public func setBytes(
    _ bytes: [UInt8], for name: String, as type: HDF5ElementType, shape: [Int]
  ) throws(HDF5Error) {
    let location = location.attribute(name)
    let count = Dataspace.count(of: shape)
    guard let count, let size = type.byteCount,
      count.multipliedReportingOverflow(by: size) == (bytes.count, false)
    else {
      throw location.error(
        .shapeMismatch,
        "expected the bytes of \(type) elements of shape \(shape), "
          + "found \(bytes.count) bytes", during: "H5Acreate2")
    }
    try set(values: bytes, for: name, as: type, shape: shape)
  }

  /// Removes an attribute.
  ///
  /// - Throws: `missing` if there is none.
  public func remove(_ name: String) throws(HDF5Error) {
    let location = location.attribute(name)
    guard try contains(name) else {
      throw location.error(.missing, "there is no such attribute", during: "H5Adelete")
    }
    let id = handle.id
    try location.call("H5Adelete") { H5Adelete(id, name) }
  }

  private func set(
    values: [some BitwiseCopyable], for name: String, as type: HDF5ElementType, shape: [Int]
  ) throws(HDF5Error) {
    let location = location.attribute(name)
    let memory = try Datatype.make(type, at: location)
    let attribute = try create(name, memory, shape: shape, at: location)
    guard !values.isEmpty else { return }
    try location.call("H5Awrite") { H5Awrite(attribute.id, memory.id, values) }
  }

  private func set(
    strings: [String], for name: String, as type: HDF5StringType, shape: [Int]
  ) throws(HDF5Error) {
    let location = location.attribute(name)
    let memory = try Datatype.make(.string(type), at: location)
    // The texts are checked before an attribute of that name goes.
    try StringCoding.encode(strings, as: type, at: location) { bytes throws(HDF5Error) in
      let attribute = try create(name, memory, shape: shape, at: location)
      guard !strings.isEmpty else { return }
      try location.call("H5Awrite") { H5Awrite(attribute.id, memory.id, bytes) }
    }
  }

  private func create(
    _ name: String, _ type: borrowing Handle, shape: [Int], at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let space = try Dataspace.make(shape, at: location)
    if try contains(name) { try remove(name) }
    let (object, typeID) = (handle.id, type.id)
    return try location.acquire(.attribute, "H5Acreate2") {
      H5Acreate2(object, name, typeID, space.id, chdf5_p_default(), chdf5_p_default())
    }
  }
}
