import CHDF5

/// A path inside a file, checked component by component so that no soft or external link is
/// followed.
struct ObjectPath {
  enum ObjectKind: String {
    case group, dataset
  }

  /// The path as libhdf5 takes it: relative to the group it was given in, or absolute; `.` for that
  /// group itself.
  let text: String
  /// Where it leads.
  let location: HDF5Location
  /// The paths of all components, outermost first: `a`, `a/b`, `a/b/c`; the last is `text`.
  private let prefixes: [(text: String, location: HDF5Location)]

  init(_ path: String, in group: HDF5Location) throws(HDF5Error) {
    try group.checkName(path, during: "H5Oopen")
    let isAbsolute = path.utf8.first == UInt8(ascii: "/")
    var text = isAbsolute ? "/" : ""
    var location =
      isAbsolute
      ? HDF5Location(file: group.file, path: "/", windowOffset: group.windowOffset) : group
    var prefixes: [(text: String, location: HDF5Location)] = []
    // Split by bytes, not characters: a combining mark after a slash would hide the slash.
    for bytes in path.utf8.split(separator: UInt8(ascii: "/")) {
      let component = Substring(bytes)
      if component == "." { continue }
      text += prefixes.isEmpty ? String(component) : "/" + component
      location = location.appending(component)
      prefixes.append((text, location))
    }
    self.text = prefixes.isEmpty ? (isAbsolute ? "/" : ".") : text
    self.location = location
    self.prefixes = prefixes
  }
}

extension ObjectPath {
  /// The path of a member.
  ///
  /// - Throws: `invalidArgument` unless `name` is one component.
  init(component name: String, in group: HDF5Location) throws(HDF5Error) {
    try group.checkName(name, during: "H5Oopen")
    if name == "." || name.utf8.contains(UInt8(ascii: "/")) {
      throw group.error(
        .invalidArgument, "expected the name of a member, found \"\(name)\"", during: "H5Oopen")
    }
    text = name
    location = group.appending(name)
    prefixes = [(name, location)]
  }
}

// MARK: - Following a path

extension ObjectPath {
  /// Opens the object and checks that it is of the kind asked for.
  func openObject(
    _ kind: ObjectKind, from group: borrowing Handle
  ) throws(HDF5Error) -> Handle {
    let id = group.id
    for prefix in prefixes { try checkLink(prefix.text, at: prefix.location, from: id) }
    let object = try location.call("H5Oopen") { [text] in H5Oopen(id, text, chdf5_p_default()) }
    return try OpenObject(owning: object).take(kind, at: location)
  }

  /// Whether there is a link of that name.
  func exists(from group: borrowing Handle) throws(HDF5Error) -> Bool {
    let id = group.id
    for (index, prefix) in prefixes.enumerated() {
      let isLast = index == prefixes.count - 1
      guard let link = Self.linkInfo(prefix.text, from: id) else { return false }
      if !isLast { try Self.checkHard(link, prefix.text, at: prefix.location, from: id) }
    }
    return true
  }

  /// Throws unless a hard link stands at `text`, whose parents have been checked before.
  private func checkLink(
    _ text: String, at location: HDF5Location, from id: hid_t
  ) throws(HDF5Error) {
    guard let link = Self.linkInfo(text, from: id) else {
      throw location.error(.missing, "there is no such object", during: "H5Lget_info")
    }
    try Self.checkHard(link, text, at: location, from: id)
  }

  private static func checkHard(
    _ link: H5L_info_t, _ text: String, at location: HDF5Location, from id: hid_t
  ) throws(HDF5Error) {
    guard link.type != H5L_TYPE_HARD else { return }
    let reason = Link.describe(link, named: text, from: id)
    throw location.error(
      .refused, "expected an object in this file, found \(reason), which is not followed",
      during: "H5Oopen")
  }

  /// Nil if there is no such link, also because its parent is not a group.
  private static func linkInfo(_ text: String, from id: hid_t) -> H5L_info_t? {
    HDF5Library.query {
      var link = H5L_info_t()
      return H5Lget_info(id, text, &link, chdf5_p_default()) >= 0 ? link : nil
    }
  }
}

/// An object just opened, of whatever kind it is.
struct OpenObject: ~Copyable {
  let kind: H5I_type_t
  private let handle: Handle

  /// Takes over the caller's reference.
  init(owning object: hid_t) {
    kind = HDF5Library.query { H5Iget_type(object) }
    handle = Handle(
      object, kind == H5I_GROUP ? .group : kind == H5I_DATASET ? .dataset : .datatype)
  }

  /// Opens the object whose header stands at an address of the file of `group`, as a hard link of it says.
  init(
    at address: haddr_t, of group: borrowing Handle, _ location: HDF5Location
  ) throws(HDF5Error) {
    let id = group.id
    self.init(owning: try location.call("H5Oopen_by_addr") { H5Oopen_by_addr(id, address) })
  }

  consuming func takeHandle() -> Handle { handle }

  /// Throws `wrongKind` unless it is of the kind asked for.
  consuming func take(
    _ expected: ObjectPath.ObjectKind, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    if kind != (expected == .group ? H5I_GROUP : H5I_DATASET) {
      let name = kind == H5I_GROUP ? "group" : kind == H5I_DATASET ? "dataset" : "named type"
      throw location.error(
        .wrongKind, "expected a \(expected), found a \(name)", during: "H5Oopen")
    }
    return handle
  }
}

// MARK: - Creating along a path

extension ObjectPath {
  func checkAbsent(from group: borrowing Handle, during operation: String) throws(HDF5Error) {
    // The group itself exists; so does what has a link.
    if try exists(from: group) {
      throw location.error(
        .alreadyExists, "expected no object of that name, found one", during: operation)
    }
  }

  /// Creates the groups above the last component that do not exist.
  func createParents(from group: borrowing Handle) throws(HDF5Error) {
    let id = group.id
    for prefix in prefixes.dropLast() {
      guard let link = Self.linkInfo(prefix.text, from: id) else {
        let group = try GroupForm(at: prefix.location).create(
          prefix.text, in: group, at: prefix.location)
        try group.close(at: prefix.location)
        continue
      }
      try Self.checkHard(link, prefix.text, at: prefix.location, from: id)
      let kind = try Link.objectType(prefix.text, from: id, at: prefix.location)
      if kind != H5O_TYPE_GROUP {
        throw prefix.location.error(
          .wrongKind, "expected a group, found a \(Link.name(of: kind))", during: "H5Gcreate2")
      }
    }
  }
}
