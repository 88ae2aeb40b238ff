import HDF5

extension OutlinedTree {
  /// Where the tree is another than that which libhdf5 finds in the file: the first such place, in words; nil
  /// where the two agree on all groups and datasets, and on dtype, shape and place of each.
  ///
  /// - Complexity: opens everything in the file.
  func contradiction(to file: borrowing HDF5File) throws(HDF5Error) -> String? {
    try contradiction(of: 0, to: file.root(), path: "")
  }

  private func contradiction(
    of node: Int, to group: borrowing HDF5Group, path: String
  ) throws(HDF5Error) -> String? {
    var outlined = Dictionary(uniqueKeysWithValues: members(of: node).map { ($0.name, $0.member) })
    for found in try group.members() {
      let place = "\(path)/\(found.name)"
      // The table has no record of itself.
      if place == "/\(DigestTable.path)" { continue }
      switch (outlined.removeValue(forKey: found.name), found.kind) {
      case (.group(let inner), .group):
        let group = try group.openGroup(found.name)
        if let inside = try contradiction(of: inner, to: group, path: place) { return inside }
      case (.dataset(let index), .dataset):
        let told = entry(index, name: place, role: .other)
        let stored = try CheckpointEntry(group.openDataset(found.name), name: place, role: .other)
        if told.outlined != stored.outlined {
          return "its outline has \(place) as \(told.outlined), the file as \(stored.outlined)"
        }
      case (nil, _): return "its outline does not have \(place), which is in the file"
      case (.group, _): return "its outline has \(place) as a group, the file does not"
      case (.dataset, _): return "its outline has \(place) as a dataset, the file does not"
      }
    }
    return outlined.keys.min().map { "its outline has \(path)/\($0), which is not in the file" }
  }
}

extension CheckpointEntry {
  /// What an outline and the records beside it say of a dataset.
  fileprivate var outlined: String {
    let type = dtype.map { "\($0)" } ?? storedType
    let place = byteCount > 0 ? byteOffset.map { " at byte \($0)" } ?? " at no place" : ""
    return "\(type) of shape \(shape)\(place)"
  }
}
