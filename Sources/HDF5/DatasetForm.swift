import CHDF5

/// The type, shape and storage of datasets to be created: made once for all that are alike.
///
/// A class so that it can be kept under a key. Not `Sendable`, like all that holds identifiers of libhdf5.
package final class DatasetForm {
  private let type: Handle
  private let space: Handle
  private let properties: Handle

  /// One contiguous range of the file, allocated at once, never filled by libhdf5, without time stamps.
  ///
  /// - Parameter name: the file, for errors.
  /// - Throws: `invalidArgument` for a shape that HDF5 cannot store.
  package convenience init(
    _ elementType: HDF5ElementType, shape: [Int], file name: String
  ) throws(HDF5Error) {
    try self.init(
      elementType, shape: shape, allocation: H5D_ALLOC_TIME_EARLY,
      at: HDF5Location(file: name, path: nil))
  }

  init(
    _ elementType: HDF5ElementType, shape: [Int], allocation: H5D_alloc_time_t,
    at location: HDF5Location
  ) throws(HDF5Error) {
    type = try Datatype.make(elementType, at: location)
    space = try Dataspace.make(shape, at: location)
    properties = try location.acquire(.propertyList, "H5Pcreate") {
      H5Pcreate(chdf5_p_dataset_create())
    }
    let id = properties.id
    try location.call("H5Pset_layout") { H5Pset_layout(id, H5D_CONTIGUOUS) }
    try location.call("H5Pset_alloc_time") { H5Pset_alloc_time(id, allocation) }
    try location.call("H5Pset_fill_time") { H5Pset_fill_time(id, H5D_FILL_TIME_NEVER) }
    try location.call("H5Pset_obj_track_times") { H5Pset_obj_track_times(id, false) }
  }

  /// Creates a dataset; its parents exist, and nothing of its name does.
  func create(
    _ path: String, in group: borrowing Handle, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let (id, typeID, spaceID, propertiesID) = (group.id, type.id, space.id, properties.id)
    return try location.acquire(.dataset, "H5Dcreate2") {
      H5Dcreate2(
        id, path, typeID, spaceID, chdf5_p_default(), propertiesID, chdf5_p_default())
    }
  }
}

extension HDF5Group {
  /// Creates a dataset as a member of this group.
  ///
  /// - Parameters:
  ///   - name: one component of a path.
  ///   - attributes: scalar texts, of variable length and UTF-8.
  /// - Returns: where its elements begin, from the first byte of the file; nil if it has none.
  /// - Throws: `alreadyExists`.
  package func createDataset(
    named name: String, _ form: DatasetForm, attributes texts: [(name: String, value: String)] = []
  ) throws(HDF5Error) -> Int? {
    let created = try ObjectPath(component: name, in: location)
    let handle: Handle
    do {
      handle = try form.create(name, in: attributes.handle, at: created.location)
    } catch {
      try created.checkAbsent(from: attributes.handle, during: "H5Dcreate2")
      throw error
    }
    let id = handle.id
    let offset = HDF5Library.query { H5Dget_offset(id) }
    let described = HDF5Attributes(of: handle, at: created.location)
    for text in texts {
      try described.setString(text.value, for: text.name, as: .variable(.utf8))
    }
    try described.close()
    return offset == chdf5_haddr_undef() ? nil : Int(offset)
  }
}
