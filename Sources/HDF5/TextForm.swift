import CHDF5

/// The type and shape of attributes that hold one text: made once for all that are alike.
///
/// A class so that it can be kept under a key. Not `Sendable`, like all that holds identifiers of libhdf5.
package final class TextForm {
  private let string: HDF5StringType
  private let type: Handle
  private let space: Handle

  /// - Parameter name: the file, for errors.
  package init(_ string: HDF5StringType, file name: String) throws(HDF5Error) {
    let location = HDF5Location(file: name, path: nil)
    self.string = string
    type = try Datatype.make(.string(string), at: location)
    space = try Dataspace.make([], at: location)
  }

  fileprivate func create(
    _ name: String, _ text: String, on object: borrowing Handle, at location: HDF5Location
  ) throws(HDF5Error) {
    let (id, typeID, spaceID) = (object.id, type.id, space.id)
    try StringCoding.encode([text], as: string, at: location) { bytes throws(HDF5Error) in
      let attribute = try location.acquire(.attribute, "H5Acreate2") {
        H5Acreate2(id, name, typeID, spaceID, chdf5_p_default(), chdf5_p_default())
      }
      try location.call("H5Awrite") { H5Awrite(attribute.id, typeID, bytes) }
    }
  }
}

extension HDF5Attributes {
  /// Creates an attribute with a text; nothing of its name exists.
  ///
  /// - Throws: as ``setString(_:for:as:)``, and `library` for a name that exists.
  package func createString(
    _ text: String, named name: String, _ form: TextForm
  ) throws(HDF5Error) {
    let location = location.attribute(name)
    try location.checkName(name, during: "H5Acreate2")
    try form.create(name, text, on: handle, at: location)
  }
}
