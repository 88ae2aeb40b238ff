import CHDF5

/// An open group: named members, which are groups and datasets, and attributes.
///
/// A path names an object relative to this group (`dense/kernel`) or, with a leading slash, from the
/// root. Only hard links are followed: a soft or external link anywhere on a path is refused.
public struct HDF5Group: ~Copyable {
  /// The attributes of the group.
  public let attributes: HDF5Attributes

  /// The absolute path of the group in its file.
  public var path: String { location.path ?? "/" }

  var location: HDF5Location { attributes.location }

  init(
    opening path: String, from group: borrowing Handle, at location: HDF5Location
  ) throws(HDF5Error) {
    let found = try ObjectPath(path, in: location)
    let handle = try found.openObject(.group, from: group)
    attributes = HDF5Attributes(of: handle, at: found.location)
  }

  init(owning handle: consuming Handle, at location: HDF5Location) {
    attributes = HDF5Attributes(of: handle, at: location)
  }

  /// Closes the group now; otherwise it closes when it goes out of scope.
  public consuming func close() throws(HDF5Error) {
    try attributes.close()
  }
}

@available(*, unavailable, message: "an open group is used by one task at a time")
extension HDF5Group: Sendable {}

// MARK: - Opening

extension HDF5Group {
  /// Whether a link of that name exists. True for a link that is refused when it is opened.
  ///
  /// - Throws: `refused` if the way to it leads through a soft or external link.
  public func exists(_ path: String) throws(HDF5Error) -> Bool {
    try ObjectPath(path, in: location).exists(from: attributes.handle)
  }

  /// Opens a group.
  ///
  /// - Throws: `missing`, `wrongKind`, or `refused` for a link that is not a hard link.
  public func openGroup(_ path: String) throws(HDF5Error) -> HDF5Group {
    try HDF5Group(opening: path, from: attributes.handle, at: location)
  }

  /// Opens a dataset.
  ///
  /// - Throws: `missing`, `wrongKind`; `refused` for a link that is not a hard link, external storage
  ///   and virtual datasets; `damaged` if it claims more bytes than there are.
  public func openDataset(_ path: String) throws(HDF5Error) -> HDF5Dataset {
    let found = try ObjectPath(path, in: location)
    let handle = try found.openObject(.dataset, from: attributes.handle)
    return try HDF5Dataset(owning: handle, at: found.location)
  }
}

// MARK: - Opening what a link leads to

extension HDF5Group {
  /// Opens the group that a link of this group leads to.
  ///
  /// - Throws: `wrongKind`, or `refused` for a link that is not a hard link.
  public func openGroup(_ link: HDF5Link) throws(HDF5Error) -> HDF5Group {
    let handle = try open(link, .group)
    return HDF5Group(owning: handle, at: location.appending(link.name))
  }

  /// Opens the dataset that a link of this group leads to.
  ///
  /// - Throws: as ``openDataset(_:)-(String)``, but never `missing`.
  public func openDataset(_ link: HDF5Link) throws(HDF5Error) -> HDF5Dataset {
    let handle = try open(link, .dataset)
    return try HDF5Dataset(owning: handle, at: location.appending(link.name))
  }

  /// Opens the group that a link of this group leads to; nil if it leads to anything else.
  public func openGroupIfAny(_ link: HDF5Link) throws(HDF5Error) -> HDF5Group? {
    guard case .object(let address) = link.target else { return nil }
    let location = location.appending(link.name)
    let object = try OpenObject(at: address, of: attributes.handle, location)
    guard object.kind == H5I_GROUP else { return nil }
    return HDF5Group(owning: object.takeHandle(), at: location)
  }

  private func open(
    _ link: HDF5Link, _ kind: ObjectPath.ObjectKind
  ) throws(HDF5Error) -> Handle {
    let location = location.appending(link.name)
    switch link.target {
    case .object(let address):
      return try OpenObject(at: address, of: attributes.handle, location).take(kind, at: location)
    case .refused(let reason):
      throw location.error(
        .refused, "expected an object in this file, found \(reason), which is not followed",
        during: "H5Oopen")
    }
  }
}

// MARK: - Creating

extension HDF5Group {
  /// Creates a group, and the groups on the way to it that do not exist.
  ///
  /// - Throws: `alreadyExists`; `wrongKind` or `refused` if something on the way is not a group.
  public func createGroup(_ path: String) throws(HDF5Error) -> HDF5Group {
    let created = try ObjectPath(path, in: location)
    try created.createParents(from: attributes.handle)
    try created.checkAbsent(from: attributes.handle, during: "H5Gcreate2")
    let form = try GroupForm(at: created.location)
    let handle = try form.create(created.text, in: attributes.handle, at: created.location)
    return HDF5Group(owning: handle, at: created.location)
  }

  /// Creates a dataset, and the groups on the way to it that do not exist. Its bytes are one
  /// contiguous range of the file, allocated at once and not filled: `byteOffset` says where.
  ///
  /// - Parameter shape: the sizes of the axes; `[]` is a scalar.
  /// - Throws: `alreadyExists`; `invalidArgument` for a shape that HDF5 cannot store; `wrongKind` or
  ///   `refused` if something on the way is not a group.
  public func createDataset(
    _ path: String, _ elementType: HDF5ElementType, shape: [Int]
  ) throws(HDF5Error) -> HDF5Dataset {
    try createDataset(path, elementType, shape: shape, allocation: H5D_ALLOC_TIME_EARLY)
  }

  func createDataset(
    _ path: String, _ elementType: HDF5ElementType, shape: [Int], allocation: H5D_alloc_time_t
  ) throws(HDF5Error) -> HDF5Dataset {
    let created = try ObjectPath(path, in: location)
    let form = try DatasetForm(
      elementType, shape: shape, allocation: allocation, at: created.location)
    try created.createParents(from: attributes.handle)
    try created.checkAbsent(from: attributes.handle, during: "H5Dcreate2")
    let handle = try form.create(created.text, in: attributes.handle, at: created.location)
    return try HDF5Dataset(owning: handle, at: created.location)
  }
}

// MARK: - Removing

extension HDF5Group {
  /// Removes the name of an object; the object itself goes with its last name. The file does not
  /// shrink.
  ///
  /// - Throws: `missing` if there is no such name.
  public func remove(_ path: String) throws(HDF5Error) {
    let removed = try ObjectPath(path, in: location)
    guard try removed.exists(from: attributes.handle) else {
      throw removed.location.error(.missing, "there is no such object", during: "H5Ldelete")
    }
    let group = attributes.handle.id
    try removed.location.call("H5Ldelete") {
      H5Ldelete(group, removed.text, chdf5_p_default())
    }
  }
}
