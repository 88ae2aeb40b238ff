import HDF5
import KerasConfiguration
import Tensors

extension CheckpointReader {
  /// Opens a file as ``init(opening:verifying:)`` does; where it is a weights file without architecture, the
  /// architecture and the optimizer's class of another checkpoint stand in.
  ///
  /// They prove which slot belongs to which variable, and tell the layers' names, where the file itself
  /// does not. They are used only there, and only if they imply exactly the variables and shapes that
  /// the file holds; a note says so.
  ///
  /// - Parameter verifying: as ``init(opening:verifying:)`` has it.
  public init(
    opening path: String, architectureFrom other: borrowing CheckpointReader,
    verifying: Bool = true
  ) throws(CheckpointError) {
    let plain = try CheckpointReader(opening: path, verifying: verifying)
    guard let model = other.manifest.model, plain.manifest.needsArchitecture else {
      self = plain
      return
    }
    let training =
      try plain.allows(other.manifest.training?.optimizer) ? other.manifest.training : nil
    guard let opened = try? OpenCheckpoint(path, verifying: verifying),
      // An error here means that the architecture belongs to another model.
      var manifest = try? opened.readManifest(architecture: model, training: training),
      manifest.hasVariables(of: other.manifest), manifest.untiedCount <= plain.manifest.untiedCount
    else {
      self = plain
      return
    }
    var note = "names and ties of \(path) are those of the architecture in \(other.path)"
    if plain.manifest.optimizer?.className == nil, let className = training?.optimizer?.className {
      note += "; the file does not name its optimizer, which is taken for \(className) as there"
    }
    manifest.notes.append(note)
    self.init(path: path, manifest: manifest, storage: opened.storage)
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
  /// True of a weights file that leaves names or ties open: only Keras 3 stores layers' names.
  fileprivate var needsArchitecture: Bool {
    model == nil && [.weights, .sharded].contains(layout)
      && (dialect != .keras3 || untiedCount > 0)
  }

  fileprivate var untiedCount: Int { entries.count { $0.role == .untied } }

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
