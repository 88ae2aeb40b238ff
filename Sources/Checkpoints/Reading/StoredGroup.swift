import HDF5

/// A group of a weights file, whose tree may have thousands of them: told by the file's outline where one is
/// in force, otherwise by libhdf5.
struct StoredGroup: ~Copyable {
  private let source: Source

  private enum Source: ~Copyable {
    case library(HDF5Group)
    case outline(OutlinedGroup)
  }

  private struct OutlinedGroup {
    let tree: OutlinedTree
    let node: Int
    let path: String
    let file: OpenFile

    func inner(_ node: Int, _ path: String) -> Self {
      Self(tree: tree, node: node, path: "\(self.path)/\(path)", file: file)
    }
  }

  /// A name in a group and where it leads.
  struct Link {
    let name: String
    fileprivate let target: Target

    fileprivate enum Target {
      case library(HDF5Link)
      case outline(OutlinedTree.Member)
    }
  }

  /// As libhdf5 tells it.
  init(_ group: consuming HDF5Group) { source = .library(group) }

  private init(_ group: OutlinedGroup) { source = .outline(group) }

  /// The root of a file.
  init(rootOf file: OpenFile) throws(HDF5Error) {
    if let tree = file.outline {
      source = .outline(OutlinedGroup(tree: tree, node: 0, path: "", file: file))
    } else {
      source = .library(try file.file.root())
    }
  }
}

extension StoredGroup {
  /// As ``HDF5/HDF5Group/exists(_:)``.
  func exists(_ path: String) throws(HDF5Error) -> Bool {
    switch source {
    case .library(let group): try group.exists(path)
    case .outline(let group): group.tree.member(at: path, of: group.node) != nil
    }
  }

  /// As ``HDF5/HDF5Group/links()``.
  func links() throws(HDF5Error) -> [Link] {
    switch source {
    case .library(let group):
      try group.links().map { Link(name: $0.name, target: .library($0)) }
    case .outline(let group):
      group.tree.members(of: group.node).map { Link(name: $0.name, target: .outline($0.member)) }
    }
  }

  func openGroup(_ path: String) throws(HDF5Error) -> StoredGroup {
    switch source {
    case .library(let group): return StoredGroup(try group.openGroup(path))
    case .outline(let group):
      if case .group(let node) = group.tree.member(at: path, of: group.node) {
        return StoredGroup(group.inner(node, path))
      }
      // It has the words for what is wrong.
      return StoredGroup(try group.file.file.root().openGroup("\(group.path)/\(path)"))
    }
  }

  func openGroup(_ link: Link) throws(HDF5Error) -> StoredGroup {
    switch source {
    case .library(let group):
      guard case .library(let link) = link.target else { break }
      return StoredGroup(try group.openGroup(link))
    case .outline: break
    }
    return try openGroup(link.name)
  }

  /// The group to which a link of this group leads; nil if it leads to anything else.
  func openGroupIfAny(_ link: Link) throws(HDF5Error) -> StoredGroup? {
    switch source {
    case .library(let group):
      guard case .library(let link) = link.target, let inner = try group.openGroupIfAny(link) else {
        return nil
      }
      return StoredGroup(inner)
    case .outline:
      guard case .outline(.group) = link.target else { return nil }
      return try openGroup(link)
    }
  }

  /// Describes the dataset to which a link of this group leads.
  func entry(
    of link: Link, name: String, role: CheckpointEntry.Role
  ) throws(HDF5Error) -> CheckpointEntry {
    switch source {
    case .library(let group):
      guard case .library(let link) = link.target else { break }
      return try CheckpointEntry(group.openDataset(link), name: name, role: role)
    case .outline(let group):
      guard case .outline(.dataset(let index)) = link.target else { break }
      return group.tree.entry(index, name: name, role: role)
    }
    let name = link.name
    return try throughLibrary { group throws(HDF5Error) in
      try CheckpointEntry(group.openDataset(name), name: name, role: role)
    }
  }

  /// The attribute `name`, as Keras 3 writes it beside an object's variables; nil without.
  func name() throws(HDF5Error) -> String? {
    try throughLibrary { group throws(HDF5Error) in try group.attributes.optionalString("name") }
  }

  /// Calls `body` with the group as libhdf5 opens it: for attributes and elements, which no outline has.
  func throughLibrary<Result>(
    _ body: (borrowing HDF5Group) throws(HDF5Error) -> Result
  ) throws(HDF5Error) -> Result {
    switch source {
    case .library(let group): return try body(group)
    case .outline(let group):
      let root = try group.file.file.root()
      if group.path.isEmpty { return try body(root) }
      return try body(root.openGroup(group.path))
    }
  }
}
