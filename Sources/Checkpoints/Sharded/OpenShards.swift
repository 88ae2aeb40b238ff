import HDF5

/// The open files of layout E, and which of them holds which dataset.
struct OpenShards {
  let map: ShardMap
  /// Like `map.shards`.
  let files: [OpenFile]
  /// A file in memory whose tree is that of all files together: every group and attribute, every
  /// dataset's type and shape, and the values of scalars. Nothing else is in it.
  let tree: OpenFile
  private let indexByDataset: [String: Int]
  private let offsetByDataset: [String: Int]

  /// The file of a dataset, by its absolute path.
  func file(of dataset: String) -> OpenFile? { index(of: dataset).map { files[$0] } }

  func index(of dataset: String) -> Int? { indexByDataset[dataset] }

  /// As ``CheckpointEntry/byteOffset``, in the dataset's own file.
  func byteOffset(of dataset: String) -> Int? { offsetByDataset[dataset] }

  /// Opens every file that a map names.
  ///
  /// - Parameter path: the map's own.
  /// - Throws: `inconsistent` when a file lacks an object that the map puts into it, or two files hold
  ///   the same variable.
  init(opening map: ShardMap, path: String, verifying: Bool) throws {
    self.map = map
    let folder = FileSystem.folder(of: path)
    let names = map.shards
    var files: [OpenFile] = []
    for name in names {
      let file = "\(folder)/\(name)"
      do {
        files.append(try OpenFile.open(.file(file), verifying: verifying))
      } catch {
        throw CheckpointError.reading(file, error)
      }
    }
    let positions = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    let tree = OpenFile(try HDF5File.inMemory(named: path))
    var indexByDataset: [String: Int] = [:]
    var offsetByDataset: [String: Int] = [:]
    let root = try tree.file.root()
    for object in map.objects {
      let merged =
        try root.exists(object.group)
        ? try root.openGroup(object.group) : try root.createGroup(object.group)
      for name in object.shards {
        let index = positions[name]!
        let part = try files[index].file.root()
        guard try part.exists(object.group) else {
          throw Self.inconsistent(
            path, object.group, "it in \(name), as the map says", "none there")
        }
        let group = try part.openGroup(object.group)
        for member in try group.memberNames() {
          let dataset = try group.openDataset(member)
          guard indexByDataset.updateValue(index, forKey: dataset.path) == nil else {
            throw Self.inconsistent(
              path, String(dataset.path.dropFirst()), "it in one file",
              "it in \(name) and in another")
          }
          offsetByDataset[dataset.path] = dataset.byteOffset
          try Self.add(dataset, named: member, to: merged)
        }
      }
    }
    // An object's name stands where Keras 3 began to write it: often in the file before the one that got
    // its first variable, and of objects without variables the map does not speak at all.
    for file in files { try Self.addNames(of: file.file.root(), to: root) }
    if map.objects.isEmpty, let stray = try Self.firstDataset(below: files[0].file.root()) {
      throw Self.inconsistent(
        path, String(stray.dropFirst()), "it in the map", "it in \(names[0]) alone")
    }
    self.files = files
    self.tree = tree
    self.indexByDataset = indexByDataset
    self.offsetByDataset = offsetByDataset
  }

  /// The groups of a file and their names, Cairn's own group aside.
  private static func addNames(
    of group: borrowing HDF5Group, to merged: borrowing HDF5Group, depth: Int = 0
  ) throws {
    if try group.attributes.contains("name"), try !merged.attributes.contains("name") {
      try merged.attributes.setString(
        group.attributes.string("name"), for: "name", as: .variable(.utf8))
    }
    guard depth < WeightsLayout.maximumDepth else { return }
    for member in try group.members() where member.kind == .group {
      if depth == 0, member.name == CairnGroup.path { continue }
      let inner = try group.openGroup(member.name)
      let target =
        try merged.exists(member.name)
        ? try merged.openGroup(member.name) : try merged.createGroup(member.name)
      try addNames(of: inner, to: target, depth: depth + 1)
    }
  }

  /// The path of a dataset, Cairn's own group aside; nil without any.
  private static func firstDataset(
    below group: borrowing HDF5Group, depth: Int = 0
  ) throws -> String? {
    guard depth < WeightsLayout.maximumDepth else { return nil }
    for member in try group.members() {
      if depth == 0, member.name == CairnGroup.path { continue }
      if member.kind == .dataset { return try group.openDataset(member.name).path }
      guard member.kind == .group else { continue }
      let inner = try group.openGroup(member.name)
      if let path = try firstDataset(below: inner, depth: depth + 1) { return path }
    }
    return nil
  }

  private static func add(
    _ dataset: borrowing HDF5Dataset, named name: String, to group: borrowing HDF5Group
  ) throws {
    guard dataset.shape.isEmpty, let byteCount = dataset.elementType.byteCount, byteCount <= 8
    else {
      return try group.createOutline(name, dataset.elementType, shape: dataset.shape)
    }
    let copy = try group.createDataset(name, dataset.elementType, shape: [])
    var value: UInt64 = 0
    try withUnsafeMutableBytes(of: &value) { bytes in
      let element = UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount])
      try dataset.read(into: element)
      try copy.write(from: UnsafeRawBufferPointer(element))
    }
  }

  private static func inconsistent(
    _ path: String, _ object: String, _ expected: String, _ found: String
  ) -> CheckpointError {
    CheckpointError(
      .inconsistent, "cannot read", path: path, object: "/\(object)", expected: expected,
      found: found, cure: "keep the map and the files that were saved with it together")
  }

  /// The file with Cairn's own record; nil when none has it.
  func fileWithCairnGroup() throws(HDF5Error) -> OpenFile? {
    for file in files where try CairnGroup.isRecorded(in: file.file.root()) { return file }
    return nil
  }
}
