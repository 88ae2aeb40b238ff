import KerasConfiguration
import Tensors

extension FilePlan {
  /// What the layout of `profile` makes of a checkpoint.
  ///
  /// - Throws: `unsupported` when it cannot hold it; `path` is for the message only.
  init(
    of checkpoint: Checkpoint, profile: Profile, path: String
  ) throws(CheckpointError) {
    do {
      switch profile.layout {
      case .wholeModel:
        self = try WholeModelLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .weights:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      }
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(
        .unsupported, "cannot write", path: path, problem: String(describing: error), cause: error)
    }
  }
}

extension Checkpoint {
  func requireModel(path: String) throws(CheckpointError) -> ModelConfiguration {
    if let model { return model }
    throw CheckpointError(
      .unsupported, "cannot write", path: path,
      problem: "the checkpoint has no architecture, from which the layout takes names and order",
      cure: "restore it into a checkpoint that has one")
  }

  /// The variables under the name of their outermost layer, `""` for the model's own; each list in the
  /// order of creation.
  ///
  /// - Throws: `inconsistent` for a variable of a layer that the model does not have.
  func variablesByLayer(
    _ layers: [LayerOutline], path: String
  ) throws(CheckpointError) -> [String: [Variable]] {
    let known = Set(layers.map(\.name)).union([""])
    let byLayer = Dictionary(grouping: variables) { $0.id.layer.names.first ?? "" }
    for (layer, variables) in byLayer where !known.contains(layer) {
      throw CheckpointError(
        .inconsistent, "cannot write", path: path, object: variables[0].name,
        problem: "the model has no layer \"\(layer)\"")
    }
    return byLayer.mapValues { $0.sorted { $0.id.index < $1.id.index } }
  }
}

extension CheckpointError {
  static func orphan(_ slot: SlotVariable, path: String) -> CheckpointError {
    CheckpointError(
      .inconsistent, "cannot write", path: path,
      object: "\(slot.slot)/\(slot.owner.layer)/#\(slot.owner.index)",
      problem: "the slot belongs to a variable that is not in the checkpoint")
  }
}

extension Tensor {
  /// The tensor in a dtype that every Keras reads back: bfloat16 becomes float32, which loses nothing
  /// and which Keras converts to the variable's dtype.
  var portable: Tensor { dtype == .bfloat16 ? converted(to: .float32) : self }
}
