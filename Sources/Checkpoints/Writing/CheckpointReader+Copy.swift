import KerasConfiguration

extension CheckpointReader {
  /// Copies the checkpoint's files byte for byte under names that are not yet final, lets `change` work
  /// on them in place, and commits them.
  ///
  /// - Parameter change: receives where the copies of the files with tensors lie, in the order of the
  ///   checkpoint's own.
  func copy(
    to output: String, replacing: Bool, changing change: ([String]) throws -> Void
  ) throws {
    if case .shards(let shards) = storage {
      try copy(shards, to: output, replacing: replacing, changing: change)
    } else if manifest.layout == .directory {
      let pending = try PendingFolder(for: output)
      try FolderTree.copy(contentsOf: file, to: pending.temporaryPath)
      try change([pending.file(ArchiveLayout.weightsMember)])
      try pending.commit(replacing: replacing)
    } else {
      let pending = PendingFile(for: output)
      try FileCopy.copy(file, to: pending.temporaryPath)
      try change([pending.temporaryPath])
      try pending.commit(replacing: replacing)
    }
  }

  /// The map of the copy differs from the original in the names of files alone.
  private func copy(
    _ shards: OpenShards, to output: String, replacing: Bool,
    changing change: ([String]) throws -> Void
  ) throws {
    let names = shards.map.shards
    let pending = try PendingShards(for: output, count: names.count, replacing: replacing)
    let copies = names.indices.map { pending.temporaryPath(ofShard: $0) }
    let folder = FileSystem.folder(of: file)
    for (name, copy) in zip(names, copies) { try FileCopy.copy("\(folder)/\(name)", to: copy) }
    try change(copies)
    let renamed = Dictionary(uniqueKeysWithValues: zip(names, pending.names))
    try pending.commit(shards.map.renamed { renamed[$0]! }, replacing: replacing)
  }
}
