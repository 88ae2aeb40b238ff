import CHDF5

/// One open attribute.
struct Attribute: ~Copyable {
  let handle: Handle
  let space: Handle
  let location: HDF5Location
  let info: HDF5AttributeInfo

  init(_ name: String, of object: borrowing Handle, at owner: HDF5Location) throws(HDF5Error) {
    let location = owner.attribute(name)
    try location.checkName(name, during: "H5Aopen")
    let id = object.id
    guard try location.call("H5Aexists", { H5Aexists(id, name) }) > 0 else {
      throw location.error(.missing, "there is no such attribute", during: "H5Aopen")
    }
    let handle = try location.acquire(.attribute, "H5Aopen") {
      H5Aopen(id, name, chdf5_p_default())
    }
    let type = try location.acquire(.datatype, "H5Aget_type") { H5Aget_type(handle.id) }
    let recognised = try Datatype.recognise(type, at: location)
    let space = try location.acquire(.dataspace, "H5Aget_space") { H5Aget_space(handle.id) }
    let size = recognised.storedByteCount
    let extent = try Dataspace(space, elementByteCount: size, at: location)
    // Attributes are read into memory made here, so the file must be able to hold what they claim.
    if extent.count * size > 65_536 {
      let fileByteCount = try FileSize.byteCount(ofFileOf: id, at: location)
      guard extent.count * size <= fileByteCount else {
        throw location.error(
          .damaged,
          "expected \(extent.count * size) bytes of data, found a file of \(fileByteCount) bytes",
          during: "H5Aget_space")
      }
    }
    info = HDF5AttributeInfo(
      elementType: recognised.elementType, byteOrder: recognised.byteOrder, shape: extent.shape,
      isNull: extent.isNull, elementCount: extent.count)
    self.handle = handle
    self.space = space
    self.location = location
  }

  /// Throws unless there is exactly one element: a scalar, or an array of one.
  func checkScalar() throws(HDF5Error) {
    guard info.elementCount == 1 else {
      throw location.error(
        .shapeMismatch, "expected one value, found shape \(info.isNull ? "null" : "\(info.shape)")",
        during: "H5Aread")
    }
  }

  /// Reads all elements in `type`, whose memory form `Value` is.
  func values<Value: BitwiseCopyable>(
    as type: HDF5ElementType, filling start: Value
  ) throws(HDF5Error) -> [Value] {
    guard info.elementType.isReadable(as: type) else {
      throw location.error(
        .typeMismatch, "expected a value readable as \(type), found \(info.elementType)",
        during: "H5Aread")
    }
    let elementByteCount = type.byteCount ?? 0
    var values = [Value](
      repeating: start,
      count: info.elementCount * elementByteCount / MemoryLayout<Value>.stride)
    guard !values.isEmpty else { return [] }
    let memory = try Datatype.make(type, at: location)
    let id = handle.id
    try location.call("H5Aread") { H5Aread(id, memory.id, &values) }
    return values
  }

  func strings() throws(HDF5Error) -> [String] {
    if info.elementCount == 0 { return [] }
    guard case .string(let string) = info.elementType else {
      throw location.error(
        .typeMismatch, "expected a text, found \(info.elementType)", during: "H5Aread")
    }
    let id = handle.id
    return try StringCoding.decode(
      string, count: info.elementCount, space: space, at: location
    ) { type, bytes throws(HDF5Error) in
      try location.call("H5Aread") { H5Aread(id, type, bytes) }
    }
  }
}
