import HDF5
import KerasConfiguration
import Tensors

/// Layout A: a whole model in one HDF5 file, names in attributes, as Keras's `save("x.h5")` writes it.
enum WholeModelLayout {
  static let weightsGroup = "model_weights"
  static let optimizerGroup = "optimizer_weights"
  static let ownVariablesGroup = "top_level_model_weights"

  static func isLaidOut(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    guard try root.attributes.contains("model_config") else { return false }
    return try root.exists(weightsGroup)
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
    let model = try ModelConfiguration(
      parsing: root.attributes.string("model_config"), dialect: dialect)
    var training: TrainingConfiguration?
    if let text = try root.attributes.optionalString("training_config") {
      training = try TrainingConfiguration(parsing: text, dialect: dialect)
    }
    let implied = try ModelVariables(model, dialect: dialect)
    let (weightEntries, frozen, notes) = try readWeights(
      weights, modelName: model.name, implied: implied, path: path)
    var manifest = CheckpointManifest(
      layout: .wholeModel, dialect: dialect, kerasVersion: version,
      entries: weightEntries.map(\.entry), optimizer: nil, model: model, training: training,
      resumption: nil, notes: notes)
    manifest.frozen = frozen
    try readOptimizer(root, weightEntries, implied, into: &manifest, path: path)
    manifest.learnCustomLayers(implied, weightEntries)
    return manifest
  }

  /// A weight, and the name under which the optimizer knows it.
  struct NamedWeight {
    let entry: CheckpointEntry
    let id: VariableID
    let storedName: String
  }

  /// The weights below a group that names its layers.
  ///
  /// - Parameter implied: what the architecture says; nil without one.
  /// - Returns: the weights, those among them that only their order shows to be frozen, and a note for
  ///   each layer that lists other weights than the architecture implies.
  static func readWeights(
    _ weights: borrowing HDF5Group, modelName: String?, implied: ModelVariables?, path: String
  ) throws -> (weights: [NamedWeight], frozen: Set<VariableID>, notes: [String]) {
    var named: [NamedWeight] = []
    var frozen: Set<VariableID> = []
    var notes: [String] = []
    var layers = try weights.attributes.nameList("layer_names")
    if try weights.exists(ownVariablesGroup) { layers.append(ownVariablesGroup) }
    for layer in layers {
      let group = try weights.openGroup(layer)
      let storedNames = try weightNames(of: group, path: path)
      let labels =
        labels(of: storedNames, impliedBy: implied?.weights(ofTopLevelLayer: layer))
        ?? labels(
          of: storedNames, layer: layer == ownVariablesGroup ? nil : layer, model: modelName,
          implied: implied)
      if let count = implied?.weights(ofTopLevelLayer: layer)?.count, layer != ownVariablesGroup,
        count != storedNames.count
      {
        notes.append(
          "layer `\(layer)` lists \(storedNames.count) weights, its configuration implies \(count)")
      }
      frozen.formUnion(
        Self.frozen(of: labels, amongCreated: implied?.variables(ofTopLevelLayer: layer)))
      for (storedName, label) in zip(storedNames, labels) {
        let dataset = try group.openDataset(storedName)
        named.append(
          NamedWeight(
            entry: try CheckpointEntry(dataset, name: label.name, role: .weight(label.id)),
            id: label.id, storedName: SlotTies.withoutOutputNumber(storedName)))
      }
    }
    // The stored order is trainable first; show and load follow the order of creation.
    guard let implied else { return (named, frozen, notes) }
    return (implied.inModelOrder(named) { ($0.id.layer, $0.id.index) }, frozen, notes)
  }

  /// The names of a group's weights, in its order.
  ///
  /// - Throws: `inconsistent` where one is there twice: it would be two variables' only tensor. Keras
  ///   leaves such files behind where it fails to save a model whose layers share names.
  private static func weightNames(
    of group: borrowing HDF5Group, path: String
  ) throws -> [String] {
    let names = try group.attributes.nameList("weight_names")
    var seen: Set<String> = []
    guard let twice = names.first(where: { !seen.insert($0).inserted }) else { return names }
    throw CheckpointError(
      .inconsistent, "cannot read", path: path, object: "\(group.path)@weight_names",
      expected: "each weight once", found: "`\(twice)` twice",
      cure: "Keras did not finish this file: save the model as .keras or .weights.h5")
  }

  private static func readOptimizer(
    _ root: borrowing HDF5Group, _ weights: [NamedWeight], _ implied: ModelVariables,
    into manifest: inout CheckpointManifest, path: String
  ) throws {
    let entry = manifest.training?.optimizer
    guard try root.exists(optimizerGroup) else {
      manifest.noteOptimizerWithoutState()
      return
    }
    let group = try root.openGroup(optimizerGroup)
    var datasets: [CheckpointEntry] = []
    var stored: [SlotTies.Stored] = []
    for name in try weightNames(of: group, path: path) {
      let dataset = try CheckpointEntry(group.openDataset(name), name: name, role: .untied)
      datasets.append(dataset)
      stored.append(
        .init(
          name: name, datasetPath: dataset.datasetPath, shape: dataset.shape, dtype: dataset.dtype))
    }
    let owners = weights.compactMap { SlotTies.Owner($0.entry, storedName: $0.storedName) }
    let ties = try SlotTies(
      of: stored, slots: entry?.slotOrder(in: manifest.dialect), owners: owners,
      order: implied.trainableOrder(owners, except: manifest.frozen),
      head: .init(of: entry, manifest.dialect), path: path)
    let entries = zip(datasets, ties.ties).map { $0.tied($1) }
    manifest.entries += entries
    manifest.notes += ties.notes
    manifest.optimizer = try OptimizerSummary(
      className: entry?.className, entry: entry, scalesLoss: entry?.inner != nil, entries: entries,
      in: group)
  }
}
