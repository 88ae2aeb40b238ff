import CHDF5

/// How groups are created: without time stamps. Made once for all groups of a file.
///
/// A class so that it can be kept. Not `Sendable`, like all that holds identifiers of libhdf5.
package final class GroupForm {
  private let properties: Handle

  /// - Parameter name: the file, for errors.
  package convenience init(file name: String) throws(HDF5Error) {
    try self.init(at: HDF5Location(file: name, path: nil))
  }

  init(at location: HDF5Location) throws(HDF5Error) {
    properties = try location.acquire(.propertyList, "H5Pcreate") {
      H5Pcreate(chdf5_p_group_create())
    }
    let id = properties.id
    try location.call("H5Pset_obj_track_times") { H5Pset_obj_track_times(id, false) }
  }

  /// Creates a group; its parents exist, and nothing of its name does.
  func create(
    _ path: String, in group: borrowing Handle, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let (id, propertiesID) = (group.id, properties.id)
    return try location.acquire(.group, "H5Gcreate2") {
      H5Gcreate2(id, path, chdf5_p_default(), propertiesID, chdf5_p_default())
    }
  }
}

extension HDF5Group {
  /// Creates a group as a member of this one.
  ///
  /// - Parameter name: one component of a path.
  /// - Throws: `alreadyExists`.
  package func createGroup(named name: String, _ form: GroupForm) throws(HDF5Error) -> HDF5Group {
    let created = try ObjectPath(component: name, in: location)
    do {
      let handle = try form.create(name, in: attributes.handle, at: created.location)
      return HDF5Group(owning: handle, at: created.location)
    } catch {
      try created.checkAbsent(from: attributes.handle, during: "H5Gcreate2")
      throw error
    }
  }
}
