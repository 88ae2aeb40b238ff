import HDF5
import KerasConfiguration

/// The files of a checkpoint, opened, and in which way they make it up. Told by content alone.
struct OpenCheckpoint {
  private let path: String
  let storage: TensorStorage
  private let container: Container

  /// What the HDF5 content stands in.
  private enum Container {
    case none
    case archive(ZipArchive)
    case folder
  }

  /// - Parameter verifying: whether what has digests is compared with them.
  init(_ path: String, verifying: Bool) throws {
    let located = try LocatedCheckpoint(path)
    self.path = path
    container =
      switch located.kind {
      case .archive(let archive): .archive(archive)
      case .folder: .folder
      case .file, .shards, .safetensors, .npz: .none
      }
    switch located.kind {
    case .shards(let map):
      storage = .shards(try OpenShards(opening: map, path: path, verifying: verifying))
    case .safetensors: storage = .plain(try Safetensors.open(path))
    case .npz(let archive): storage = .plain(try NumPyArchive.open(archive))
    case .file, .archive, .folder:
      storage = .file(
        try OpenFile.open(
          located.contents[0], verifying: verifying, document: located.document))
    }
  }
}

// MARK: - The manifest

extension OpenCheckpoint {
  /// - Parameter standIn: architecture and configuration where a weights file has none.
  func readManifest(
    standIn: CairnGroup.Content = CairnGroup.Content()
  ) throws -> CheckpointManifest {
    let file: OpenFile?
    switch storage {
    case .plain(let tensors): return try tensors.readManifest()
    case .file(let open): file = open
    case .shards(let shards): file = try shards.fileWithCairnGroup()
    }
    let own = try file.flatMap { try CairnGroup.read($0.file.root(), path: path) }
    var content = own ?? CairnGroup.Content()
    content.training = content.training ?? standIn.training
    if content.model == nil {
      content.model = standIn.model
      content.frozen = standIn.frozen
    }
    var manifest = try readManifest(content)
    try manifest.requireDistinctNames(path: path)
    try SharedVariables.untie(&manifest, in: storage, path: path)
    manifest.isFromCairn = own != nil
    manifest.resumption = own?.resumption
    manifest.weights = own?.weights
    manifest.storeRecord = own?.storeRecord
    manifest.original = own?.original
    manifest.optimizer?.recordedArithmetic = own?.arithmetic
    if own?.scalesLoss == true { manifest.optimizer?.scalesLoss = true }
    manifest.notes += KerasTraps.notes(on: manifest)
    if case .file(let open) = storage, let root = try open.file.root() as HDF5Group?,
      let note = try KerasTraps.noteOnAverages(manifest, root: root, path: path)
    {
      manifest.notes.append(note)
    }
    return manifest
  }

  private func readManifest(_ cairn: CairnGroup.Content) throws -> CheckpointManifest {
    switch storage {
    case .plain(let tensors): return try tensors.readManifest()
    case .shards(let shards):
      return try ShardedLayout.readManifest(shards, cairn: cairn, path: path)
    case .file(let open):
      return try readManifest(open, cairn)
    }
  }

  private func readManifest(
    _ file: OpenFile, _ cairn: CairnGroup.Content
  ) throws -> CheckpointManifest {
    let tree = try StoredGroup(rootOf: file)
    switch container {
    case .archive(let archive):
      return try ArchiveLayout.readManifest(tree, archive: archive, knowing: cairn.customLayers)
    case .folder:
      return try DirectoryLayout.readManifest(tree, path: path, knowing: cairn.customLayers)
    case .none: break
    }
    let root = try file.file.root()
    if try WholeModelLayout.isLaidOut(root) {
      return try WholeModelLayout.readManifest(root, path: path)
    }
    // Before the groups are asked: a layer may be called `layers` or `vars`, and is a group here.
    if try LegacyWeightsLayout.isLaidOut(root) {
      return try LegacyWeightsLayout.readManifest(root, cairn: cairn, path: path)
    }
    if try WeightsLayout.isLaidOut(tree) {
      return try WeightsLayout.readManifest(
        tree, model: cairn.model, training: cairn.training, frozen: cairn.frozen, path: path)
    }
    throw CheckpointError(
      .unrecognized, "cannot read", path: path,
      problem: "expected a Keras checkpoint (root attribute model_config with group model_weights,"
        + " root attribute layer_names, or a root group layers), found none of them",
      cure: try root.exists(WeightsLayout.optimizerGroup)
        ? "if it is one of several files of sharded weights, open the .weights.json beside it" : nil
    )
  }
}
