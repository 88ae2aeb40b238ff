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
    let weightEntries = try readWeights(weights, modelName: model.name, implied: implied)
    var manifest = CheckpointManifest(
      layout: .wholeModel, dialect: dialect, kerasVersion: version,
      entries: weightEntries.map(\.entry), optimizer: nil, model: model, training: training,
      resumption: nil, notes: [])
    try readOptimizer(root, weightEntries, implied, into: &manifest, path: path)
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
  static func readWeights(
    _ weights: borrowing HDF5Group, modelName: String?, implied: ModelVariables?
  ) throws -> [NamedWeight] {
    var named: [NamedWeight] = []
    var layers = try weights.attributes.nameList("layer_names")
    if try weights.exists(ownVariablesGroup) { layers.append(ownVariablesGroup) }
    for layer in layers {
      let group = try weights.openGroup(layer)
      let storedNames = try group.attributes.nameList("weight_names")
      let labels =
        labels(of: storedNames, impliedBy: implied?.weights(ofTopLevelLayer: layer))
        ?? labels(
          of: storedNames, layer: layer == ownVariablesGroup ? nil : layer, model: modelName)
      for (storedName, label) in zip(storedNames, labels) {
        let dataset = try group.openDataset(storedName)
        named.append(
          NamedWeight(
            entry: try CheckpointEntry(dataset, name: label.name, role: .weight(label.id)),
            id: label.id, storedName: SlotTies.withoutOutputNumber(storedName)))
      }
    }
    // The stored order is trainable first; show and load follow the order of creation.
    let order = Dictionary(
      (implied?.places ?? []).enumerated().map { ($1.path, $0) }
    ) { first, _ in first }
    return named.enumerated().sorted { a, b in
      func key(_ item: (offset: Int, element: NamedWeight)) -> (Int, Int, Int) {
        let place = order[item.element.id.layer]
        return (place ?? .max, place == nil ? 0 : item.element.id.index, item.offset)
      }
      return key(a) < key(b)
    }.map(\.element)
  }

  private typealias Label = (id: VariableID, name: String)

  /// The identities that the architecture implies, by position; nil when it implies none, another
  /// number, or other names than those stored.
  private static func labels(
    of storedNames: [String], impliedBy implied: [ModelVariables.Implied]?
  ) -> [Label]? {
    guard let implied, implied.count == storedNames.count else { return nil }
    for (storedName, variable) in zip(storedNames, implied) {
      let own = ownName(ofWeight: storedName)
      guard own == variable.schema.name || own == variable.schema.keras2Name else { return nil }
    }
    return implied.map { ($0.id, $0.id.canonicalName($0.schema.name)) }
  }

  /// The identities that the stored names suggest.
  private static func labels(
    of storedNames: [String], layer: String?, model: String?
  ) -> [Label] {
    var counts: [LayerPath: Int] = [:]
    return storedNames.map { storedName in
      let label = WeightLabel(storedName: storedName, layer: layer, model: model)
      let id = VariableID(layer: label.layer, index: counts[label.layer, default: 0])
      counts[label.layer] = id.index + 1
      return (id, id.canonicalName(label.name))
    }
  }

  private static func readOptimizer(
    _ root: borrowing HDF5Group, _ weights: [NamedWeight], _ implied: ModelVariables,
    into manifest: inout CheckpointManifest, path: String
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
      of: stored, slots: entry?.slotOrder(in: manifest.dialect), owners: owners,
      order: implied.trainableOrder(owners), path: path)
    let entries = zip(datasets, ties.ties).map { $0.tied($1) }
    manifest.entries += entries
    manifest.notes += ties.notes
    manifest.optimizer = OptimizerSummary(
      className: entry?.className, entry: entry,
      iterations: try group.scalar(of: .iteration, in: entries, as: Int64.self),
      learningRate: try group.scalar(of: .learningRate, in: entries, as: Double.self)
        ?? entry?.constantLearningRate)
  }
}
