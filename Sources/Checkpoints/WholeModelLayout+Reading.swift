import HDF5
import KerasConfiguration
import Tensors

/// Layout A: a whole model in one HDF5 file, names in attributes, as Keras's `save("x.h5")` writes it.
enum WholeModelLayout {
  static let weightsGroup = "model_weights"
  static let optimizerGroup = "optimizer_weights"
  static let ownVariablesGroup = "top_level_model_weights"

  static func isLaidOut(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    try root.attributes.contains("model_config") && root.exists(weightsGroup)
  }
}

// MARK: - Reading

extension WholeModelLayout {
  static func readManifest(
    _ root: borrowing HDF5Group, path: String
  ) throws -> CheckpointManifest {
    let weights = try root.openGroup(weightsGroup)
    let version = try root.attributes.optionalString("keras_version")
    let dialect = version.flatMap(Dialect.init(kerasVersion:)) ?? .keras2
    let model = try ModelConfiguration(json: root.attributes.string("model_config"), path: path)
    var training: TrainingConfiguration?
    if let text = try root.attributes.optionalString("training_config") {
      training = try TrainingConfiguration(json: text, dialect: dialect, path: path)
    }
    let weightEntries = try readWeights(weights, model: model, path: path)
    var manifest = CheckpointManifest(
      layout: .wholeModel, dialect: dialect, kerasVersion: version,
      entries: weightEntries.map(\.entry), optimizer: nil, model: model, training: training,
      resumption: nil, notes: [])
    try readOptimizer(root, weightEntries, into: &manifest, path: path)
    return manifest
  }

  /// A weight, and the name under which the optimizer knows it.
  private struct NamedWeight {
    let entry: CheckpointEntry
    let id: VariableID
    let storedName: String
  }

  private static func readWeights(
    _ weights: borrowing HDF5Group, model: ModelConfiguration, path: String
  ) throws -> [NamedWeight] {
    var named: [NamedWeight] = []
    let outlines = Dictionary(model.outline.map { ($0.name, $0) }) { first, _ in first }
    var layers = try weights.attributes.nameList("layer_names")
    if try weights.exists(ownVariablesGroup) { layers.append(ownVariablesGroup) }
    for layer in layers {
      let group = try weights.openGroup(layer)
      var seen: [LayerPath: Int] = [:]
      for storedName in try group.attributes.nameList("weight_names") {
        let dataset = try group.openDataset(storedName)
        let label = WeightLabel(
          storedName: storedName, layer: layer == ownVariablesGroup ? nil : layer,
          model: model.name)
        let position = seen[label.layer, default: 0]
        seen[label.layer] = position + 1
        // The stored order is trainable first; the identity is the order of creation.
        let names = label.layer.names.count == 1 ? outlines[layer]?.variables?.map(\.name) : nil
        let id = VariableID(
          layer: label.layer, index: names?.firstIndex(of: label.name) ?? position)
        let name = CanonicalName.variable(label.name, in: label.layer)
        named.append(
          NamedWeight(
            entry: try CheckpointEntry(dataset, name: name, role: .weight(id)), id: id,
            storedName: SlotTies.withoutOutputNumber(storedName)))
      }
    }
    return named
  }

  private static func readOptimizer(
    _ root: borrowing HDF5Group, _ weights: [NamedWeight], into manifest: inout CheckpointManifest,
    path: String
  ) throws {
    let entry = manifest.training?.optimizer
    guard try root.exists(optimizerGroup) else {
      if let entry {
        manifest.optimizer = OptimizerSummary(
          className: entry.className, entry: entry, learningRate: entry.constantLearningRate)
        manifest.notes.append("the optimizer is configured, but its state is not in the file")
      }
      return
    }
    let group = try root.openGroup(optimizerGroup)
    var datasets: [CheckpointEntry] = []
    var stored: [SlotTies.Stored] = []
    for name in try group.attributes.nameList("weight_names") {
      let dataset = try CheckpointEntry(group.openDataset(name), name: name, role: .untied)
      datasets.append(dataset)
      stored.append(
        .init(
          name: name, datasetPath: dataset.datasetPath, shape: dataset.shape, dtype: dataset.dtype))
    }
    let owners = weights.map {
      SlotTies.Owner(
        id: $0.id, name: $0.entry.name, storedName: $0.storedName, shape: $0.entry.shape)
    }
    let ties = try SlotTies(
      of: stored, slotNames: entry?.slotNames, owners: owners,
      order: manifest.model.map { trainableOrder($0, owners) } ?? .unknown, path: path)
    let entries = zip(datasets, ties.ties).map { $0.tied($1) }
    manifest.entries += entries
    manifest.notes += ties.notes
    manifest.optimizer = OptimizerSummary(
      className: entry?.className, entry: entry,
      iterations: try group.scalar(of: .iteration, in: entries, as: Int64.self),
      learningRate: try group.scalar(of: .learningRate, in: entries, as: Double.self)
        ?? entry?.constantLearningRate)
  }

  /// The trainable variables as the architecture orders them; unknown as soon as one layer's are.
  private static func trainableOrder(
    _ model: ModelConfiguration, _ owners: [SlotTies.Owner]
  ) -> SlotTies.Order {
    var order: [SlotTies.Owner] = []
    let byID = Dictionary(owners.map { ($0.id, $0) }) { first, _ in first }
    for layer in model.outline {
      guard let variables = layer.variables else { return .unknown }
      for (index, variable) in variables.enumerated() where layer.isTrainable && variable.isTrainable {
        guard let owner = byID[VariableID(layer: [layer.name], index: index)] else {
          return .unknown
        }
        order.append(owner)
      }
    }
    return .known(order)
  }
}
