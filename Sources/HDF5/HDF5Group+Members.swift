import CHDF5

/// A member of a group.
public struct HDF5Member: Hashable, Sendable {
  /// The name inside the group.
  public let name: String
  /// What the name leads to.
  public let kind: Kind
  /// Where the object's header stands in the file; nil if the link is refused. Two members with the
  /// same address are the same object under two names. A group may contain itself: a walk over
  /// foreign files must not enter a group whose address is on the way to it.
  public let objectAddress: Int?

  /// What a link leads to, found out without following links out of the file.
  public enum Kind: Hashable, Sendable {
    case group
    case dataset
    /// A datatype stored under a name.
    case namedType
    /// A link that is not followed; the text says what it is: `a soft link to "/x"`.
    case refused(String)
  }
}

/// A name in a group and where it leads, as the group tells: the object itself has not been looked at.
public struct HDF5Link: Hashable, Sendable {
  /// The name inside the group.
  public let name: String
  let target: Target

  enum Target: Hashable, Sendable {
    /// Where the object's header stands in the file.
    case object(haddr_t)
    /// The link is not followed; the text says what it is.
    case refused(String)
  }
}

// MARK: - Listing

extension HDF5Group {
  /// The names of all members in numeric-aware order: `vars/2` before `vars/10`. This is not the
  /// order of layers or variables, which other attributes give.
  ///
  /// Complexity: O(n log n).
  public func memberNames() throws(HDF5Error) -> [String] {
    try collectedLinks().map(\.name).sorted(by: NumericAwareOrder.precedes)
  }

  /// The links of all members, in the order of `memberNames`. What they lead to is opened by
  /// ``openGroup(_:)-(HDF5Link)`` and its like without any search for the name.
  ///
  /// Complexity: O(n log n); no object is read.
  public func links() throws(HDF5Error) -> [HDF5Link] {
    let id = attributes.handle.id
    return try collectedLinks().map { link in
      let target: HDF5Link.Target =
        if link.info.type != H5L_TYPE_HARD {
          .refused(Link.describe(link.info, named: link.name, from: id))
        } else if link.isNameValid {
          .object(link.info.u.address)
        } else {
          .refused("an object whose name is not UTF-8")
        }
      return HDF5Link(name: link.name, target: target)
    }.sorted { NumericAwareOrder.precedes($0.name, $1.name) }
  }

  /// All members with their kinds, in the order of `memberNames`.
  ///
  /// Complexity: O(n log n); each object's header is read.
  public func members() throws(HDF5Error) -> [HDF5Member] {
    let id = attributes.handle.id
    var members: [HDF5Member] = []
    for link in try collectedLinks() {
      let kind = try kind(of: link, from: id)
      let isHard = link.info.type == H5L_TYPE_HARD
      members.append(
        HDF5Member(
          name: link.name, kind: kind,
          objectAddress: isHard ? Int(exactly: link.info.u.address) : nil))
    }
    return members.sorted { NumericAwareOrder.precedes($0.name, $1.name) }
  }

  /// Where this group's header stands in the file, as `HDF5Member.objectAddress`.
  public func objectAddress() throws(HDF5Error) -> Int {
    let id = attributes.handle.id
    var info = H5O_info_t()
    try location.call("H5Oget_info2") { H5Oget_info2(id, &info, chdf5_o_info_basic()) }
    return Int(clamping: info.addr)
  }

  private func kind(
    of link: CollectedLink, from id: hid_t
  ) throws(HDF5Error) -> HDF5Member.Kind {
    guard link.isNameValid else { return .refused("an object whose name is not UTF-8") }
    guard link.info.type == H5L_TYPE_HARD else {
      return .refused(Link.describe(link.info, named: link.name, from: id))
    }
    let type = try Link.objectType(link.name, from: id, at: location.appending(link.name))
    switch type {
    case H5O_TYPE_GROUP: return .group
    case H5O_TYPE_DATASET: return .dataset
    case H5O_TYPE_NAMED_DATATYPE: return .namedType
    default: return .refused("an \(Link.name(of: type))")
    }
  }

  private struct CollectedLink {
    let name: String
    let isNameValid: Bool
    let info: H5L_info_t
  }

  /// All links in the order of the file. One iteration, since fetching the i-th name of an
  /// old-style group walks its tree from the start: O(n^2) for a whole group.
  private func collectedLinks() throws(HDF5Error) -> [CollectedLink] {
    let id = attributes.handle.id
    var links: [CollectedLink] = []
    var index: hsize_t = 0
    try location.call("H5Literate") {
      withUnsafeMutablePointer(to: &links) { links in
        H5Literate(
          id, H5_INDEX_NAME, H5_ITER_NATIVE, &index,
          { _, name, info, links in
            guard let name, let info = info?.pointee, let links else { return -1 }
            let text = String(validatingCString: name)
            links.assumingMemoryBound(to: [CollectedLink].self).pointee.append(
              CollectedLink(
                name: text ?? String(cString: name), isNameValid: text != nil, info: info))
            return 0
          }, links)
      }
    }
    return links
  }
}
