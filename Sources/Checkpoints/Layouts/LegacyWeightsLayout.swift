import HDF5
import KerasConfiguration
import Tensors

/// Layout B: the weights of a whole-model file at the root of a file of their own, as Keras 2's
/// `save_weights("x.h5")` writes it. It has no place for an optimizer.
enum LegacyWeightsLayout {
  static func isLaidOut(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    if try root.attributes.contains("layer_names") { return true }
    return try root.attributes.contains("layer_names0")
  }

  static func readManifest(
    _ root: borrowing HDF5Group, cairn: CairnGroup.Content?, path: String
  ) throws -> CheckpointManifest {
    let version = try root.attributes.optionalString("keras_version")
    let dialect = version.flatMap(Dialect.init(kerasVersion:)) ?? .keras2
    let implied = try cairn?.model.map { try ModelVariables($0, dialect: dialect) }
    let (weights, frozen, notes) = try WholeModelLayout.readWeights(
      root, modelName: cairn?.model?.name, implied: implied, path: path)
    var manifest = CheckpointManifest(
      layout: .legacyWeights, dialect: dialect, kerasVersion: version,
      entries: weights.map(\.entry), optimizer: nil, model: cairn?.model,
      training: cairn?.training, resumption: nil, notes: notes, frozen: frozen)
    if let implied { manifest.learnCustomLayers(implied, weights) }
    return manifest
  }

  /// - Throws: `unsupported` for a checkpoint without architecture.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> FilePlan {
    let model = try checkpoint.requireModel(path: path)
    var plan = FilePlan()
    try plan.addWeights(
      of: checkpoint, model, frozen: checkpoint.frozen, in: "", dialect: dialect, path: path)
    try plan.addCairnGroup(checkpoint, texts: checkpoint.texts(model))
    return plan
  }
}
