import HDF5
import KerasConfiguration
import Tensors

extension CheckpointReader {
  /// Opens a file as ``init(opening:)`` does; where it is a weights file without architecture, the
  /// architecture and the optimizer's class of another checkpoint stand in.
  ///
  /// They prove which slot belongs to which variable, which a bare weights file does not tell. They are
  /// used only if they imply exactly the variables and shapes that the file holds; a note says which.
  public init(
    opening path: String, architectureFrom other: borrowing CheckpointReader
  ) throws(CheckpointError) {
    let plain = try CheckpointReader(opening: path)
    guard plain.manifest.model == nil, let model = other.manifest.model,
      [.weights, .sharded, .legacyWeights].contains(plain.manifest.layout)
    else {
      self = plain
      return
    }
    let training =
      try plain.allows(other.manifest.training?.optimizer) ? other.manifest.training : nil
    var informed: (storage: TensorStorage, manifest: CheckpointManifest)?
    do {
      let opened = try OpenCheckpoint(path)
      let manifest = try opened.readManifest(architecture: model, training: training)
      if manifest.hasVariables(of: other.manifest) { informed = (opened.storage, manifest) }
    } catch {
      // The architecture belongs to another model.
      informed = nil
    }
    guard var manifest = informed?.manifest, let storage = informed?.storage else {
      self = plain
      return
    }
    manifest.notes.append(
      "names and ties of \(path) are those of the architecture in \(other.path)")
    self.init(path: path, manifest: manifest, storage: storage)
  }

  /// Whether the file's optimizer can be of the class that an entry names: where it stores a name, that
  /// is the class's own in snake case.
  private func allows(_ entry: OptimizerEntry?) throws(CheckpointError) -> Bool {
    guard let className = entry?.className else { return false }
    do {
      let group = "\(WeightsLayout.optimizerGroup)/\(WeightsLayout.variables)"
      let root: HDF5Group
      switch storage {
      case .file(let file): root = try file.file.root()
      case .shards(let shards): root = try shards.tree.file.root()
      case .plain: return true
      }
      guard try root.exists(WeightsLayout.optimizerGroup), try root.exists(group),
        let name = try root.openGroup(group).attributes.optionalString("name")
      else { return true }
      return ElementName.split(name).className == className.lowercased()
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

extension CheckpointManifest {
  /// Whether both have the same variables of the model, in identity and shape.
  fileprivate func hasVariables(of other: CheckpointManifest) -> Bool {
    func shapes(_ manifest: CheckpointManifest) -> [VariableID: Shape] {
      var shapes: [VariableID: Shape] = [:]
      for entry in manifest.entries {
        if case .weight(let id) = entry.role { shapes[id] = entry.shape }
      }
      return shapes
    }
    return shapes(self) == shapes(other)
  }
}
