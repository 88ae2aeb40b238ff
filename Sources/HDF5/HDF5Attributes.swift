import CHDF5

/// The attributes of an open group or dataset: small named values beside the data.
public struct HDF5Attributes: ~Copyable {
  /// The open object that has the attributes: this owns it for the group or dataset it is part of.
  let handle: Handle
  let location: HDF5Location

  init(of handle: consuming Handle, at location: HDF5Location) {
    self.handle = handle
    self.location = location
  }

  consuming func close() throws(HDF5Error) {
    try handle.close(at: location)
  }
}

@available(*, unavailable, message: "an open object is used by one task at a time")
extension HDF5Attributes: Sendable {}

/// What an attribute holds.
public struct HDF5AttributeInfo: Hashable, Sendable {
  /// The type of an element.
  public let elementType: HDF5ElementType
  /// The order of the bytes of a stored number; little-endian where it does not matter.
  public let byteOrder: HDF5ByteOrder
  /// The sizes of the axes; `[]` is a scalar. A null dataspace, which has no shape, is given as
  /// `[0]`.
  public let shape: [Int]
  /// Whether the dataspace is null: no elements and no shape.
  public let isNull: Bool
  /// The number of elements: 1 for a scalar.
  public let elementCount: Int
}

// MARK: - Listing

extension HDF5Attributes {
  /// The names of all attributes in numeric-aware order: `layer_names2` before `layer_names10`.
  public func names() throws(HDF5Error) -> [String] {
    let id = handle.id
    // H5Aiterate2 of libhdf5 1.10.8 crashes if an attribute of a damaged file cannot be decoded (it
    // frees a table that was never filled). Looking for a name that nobody has decodes all of
    // them, and fails cleanly.
    try location.call("H5Aexists") { H5Aexists(id, "\u{1}no attribute") }
    var names: [String] = []
    var index: hsize_t = 0
    try location.call("H5Aiterate2") {
      withUnsafeMutablePointer(to: &names) { names in
        H5Aiterate2(
          id, H5_INDEX_NAME, H5_ITER_NATIVE, &index,
          { _, name, _, names in
            guard let name, let names else { return -1 }
            names.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
            return 0
          }, names)
      }
    }
    return names.sorted(by: NumericAwareOrder.precedes)
  }

  /// Whether there is an attribute of that name.
  public func contains(_ name: String) throws(HDF5Error) -> Bool {
    let location = location.attribute(name)
    try location.checkName(name, during: "H5Aexists")
    let id = handle.id
    return try location.call("H5Aexists") { H5Aexists(id, name) } > 0
  }

  /// What an attribute holds.
  ///
  /// - Throws: `missing`; `damaged` if it claims more bytes than there are.
  public func info(_ name: String) throws(HDF5Error) -> HDF5AttributeInfo {
    try Attribute(name, of: handle, at: location).info
  }
}
