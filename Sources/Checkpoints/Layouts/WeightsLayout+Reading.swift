import HDF5
import KerasConfiguration
import Tensors

/// Layout C: the tree of a model's objects, each with its variables numbered in a group `vars`, as
/// Keras's `save_weights("x.weights.h5")` writes it.
enum WeightsLayout {
  static let optimizerGroup = "optimizer"
  static let variables = "vars"

  static func isLaidOut(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    if try root.exists(Dialect.keras3.layersGroup) { return true }
    return try root.exists(Dialect.keras2.layersGroup)
  }
}

// MARK: - Reading

extension WeightsLayout {
  static func readManifest(
    _ root: borrowing HDF5Group, model: ModelConfiguration?, training: TrainingConfiguration?,
    path: String
  ) throws -> CheckpointManifest {
    let dialect = try dialect(of: root)
    let implied = try model.map { try ModelVariables($0, dialect: dialect) }
    let layers = try readLayers(root, dialect: dialect, implied: implied)
    var manifest = CheckpointManifest(
      layout: .weights, dialect: dialect, kerasVersion: nil, entries: layers.flatMap(\.entries),
      optimizer: nil, model: model, training: training, resumption: nil, notes: [])
    if try root.exists(variables) {
      manifest.entries += try readVariables(
        root.openGroup(variables), of: [], names: nil)
    }
    try readOptimizer(root, layers, implied, into: &manifest, path: path)
    if try root.exists("metrics") {
      manifest.entries += try readOthers(root.openGroup("metrics"))
    }
    return manifest
  }

  /// Keras 2 has layers under a name of its own; Keras 3 alone names the objects.
  private static func dialect(of root: borrowing HDF5Group) throws -> Dialect {
    guard try root.exists(Dialect.keras3.layersGroup) else { return .keras2 }
    let layers = try root.openGroup(Dialect.keras3.layersGroup)
    for element in try layers.memberNames() {
      let group = try layers.openGroup(element)
      guard try group.exists(variables) else { continue }
      return try group.openGroup(variables).attributes.contains("name") ? .keras3 : .tfKeras
    }
    return .keras3
  }

  /// A top-level layer of the file.
  struct Layer {
    let name: String
    /// The snake-case class name, from the element's name.
    let snakeCaseClass: String
    var entries: [CheckpointEntry]
    /// The trainable ones among the entries, in order; nil when that cannot be told.
    var trainable: [CheckpointEntry]?
  }

  private static func readLayers(
    _ root: borrowing HDF5Group, dialect: Dialect, implied: ModelVariables?
  ) throws -> [Layer] {
    let group = try root.openGroup(dialect.layersGroup)
    let places = implied?.places ?? []
    var layers: [(order: Int, layer: Layer)] = []
    for (position, element) in try group.memberNames().enumerated() {
      let elementPath = "\(dialect.layersGroup)/\(element)"
      let layerGroup = try group.openGroup(element)
      let (snakeCaseClass, number) = ElementName.split(element)
      // With an architecture the layers' own order and names are known.
      let order = places.firstIndex {
        $0.group == elementPath || $0.group.hasPrefix("\(elementPath)/")
      }
      let name =
        try order.map { places[$0].topLevelLayer } ?? storedName(of: layerGroup)
        ?? ElementName.defaultName(snakeCaseClass, number, dialect: dialect)
      var layer = Layer(
        name: name, snakeCaseClass: snakeCaseClass, entries: [], trainable: [])
      try readObject(layerGroup, elementPath, at: [name], implied, into: &layer)
      layers.append((order ?? places.count + position, layer))
    }
    return layers.sorted { $0.order < $1.order }.map(\.layer)
  }

  private static func storedName(of group: borrowing HDF5Group) throws -> String? {
    guard try group.exists(variables) else { return nil }
    return try group.openGroup(variables).attributes.optionalString("name")
  }

  /// The variables of an object, then those of the objects inside it.
  private static func readObject(
    _ group: borrowing HDF5Group, _ groupPath: String, at guessedPath: LayerPath,
    _ implied: ModelVariables?, into layer: inout Layer
  ) throws {
    let place = implied?.placesByGroup[groupPath]
    let layerPath = place?.path ?? guessedPath
    for member in try group.memberNames() {
      let inner = try group.openGroup(member)
      if member == variables {
        let count = try inner.memberNames().count
        let schema =
          place?.variables ?? LayerSchema.guessedVariables(group: groupPath, count: count)
        let matching = schema?.count == count ? schema : nil
        let entries = try readVariables(inner, of: layerPath, names: matching?.map(\.name))
        layer.entries += entries
        guard count > 0 else { continue }
        // What is inside another object reaches the optimizer in the order of creation, which only
        // an architecture tells.
        if let matching, layerPath.names.count == 1, layer.trainable != nil {
          layer.trainable! += zip(entries, matching).filter(\.1.isTrainable).map(\.0)
        } else {
          layer.trainable = nil
        }
      } else if member == Dialect.keras2.layersGroup || member == Dialect.keras3.layersGroup {
        // A nested model: its own list of layers.
        for element in try inner.memberNames() {
          let object = try inner.openGroup(element)
          try readObject(
            object, "\(groupPath)/\(member)/\(element)",
            at: layerPath.appending(storedName(of: object) ?? element), implied, into: &layer)
        }
      } else {
        try readObject(
          inner, "\(groupPath)/\(member)", at: layerPath.appending(member), implied, into: &layer)
      }
    }
  }

  private static func readVariables(
    _ group: borrowing HDF5Group, of layer: LayerPath, names: [String]?
  ) throws -> [CheckpointEntry] {
    var entries: [CheckpointEntry] = []
    for (index, member) in try group.memberNames().enumerated() {
      let id = VariableID(layer: layer, index: index)
      entries.append(
        try CheckpointEntry(
          group.openDataset(member), name: id.canonicalName(names?[index]), role: .weight(id)))
    }
    return entries
  }

  /// Datasets of any depth, under their paths.
  private static func readOthers(
    _ group: borrowing HDF5Group
  ) throws -> [CheckpointEntry] {
    var entries: [CheckpointEntry] = []
    for member in try group.members() {
      switch member.kind {
      case .group: entries += try readOthers(group.openGroup(member.name))
      case .dataset:
        let dataset = try group.openDataset(member.name)
        entries.append(
          try CheckpointEntry(dataset, name: String(dataset.path.dropFirst()), role: .other))
      case .namedType, .refused: continue
      }
    }
    return entries
  }
}

// MARK: - The optimizer

extension WeightsLayout {
  private static func readOptimizer(
    _ root: borrowing HDF5Group, _ layers: [Layer], _ implied: ModelVariables?,
    into manifest: inout CheckpointManifest, path: String
  ) throws {
    let entry = manifest.training?.optimizer
    let groupPath = "\(optimizerGroup)/\(variables)"
    guard try root.exists(optimizerGroup), try root.exists(groupPath) else { return }
    let group = try root.openGroup(groupPath)
    var datasets: [CheckpointEntry] = []
    for member in try group.memberNames() {
      datasets.append(
        try CheckpointEntry(
          group.openDataset(member), name: "\(groupPath)/\(member)", role: .untied))
    }
    let optimizerName = try group.attributes.optionalString("name")
    let className = entry?.className ?? optimizerName.flatMap(className(ofOptimizerNamed:))
    let owners = layers.flatMap(\.entries).compactMap(Self.owner)
    let order = implied?.trainableOrder(owners) ?? interleaving(of: layers)
    let head = datasets.prefix(2).filter { $0.shape.rank == 0 }.count
    let ties = try SlotTies(
      of: datasets.map {
        .init(name: nil, datasetPath: $0.datasetPath, shape: $0.shape, dtype: $0.dtype)
      },
      slots: entry?.slotOrder(in: manifest.dialect)
        ?? impliedSlots(
          className: className, slotCount: datasets.count - head,
          trainableCount: layers.reduce(0) { $0 + ($1.trainable?.count ?? 0) }),
      owners: owners, order: order, path: path)
    let entries = zip(datasets, ties.ties).map { $0.tied($1) }
    manifest.entries += entries
    manifest.notes += ties.notes
    manifest.optimizer = OptimizerSummary(
      className: className, entry: entry,
      iterations: try group.scalar(of: .iteration, in: entries, as: Int64.self),
      learningRate: try group.scalar(of: .learningRate, in: entries, as: Double.self)
        ?? entry?.constantLearningRate)
  }

  private static func owner(_ entry: CheckpointEntry) -> SlotTies.Owner? {
    guard case .weight(let id) = entry.role else { return nil }
    return SlotTies.Owner(id: id, name: entry.name, storedName: nil, shape: entry.shape)
  }

  /// The order of layers of one class is that of their numbers; across classes it is open.
  private static func interleaving(of layers: [Layer]) -> SlotTies.Order {
    guard layers.allSatisfy({ $0.trainable != nil }) else { return .unknown }
    let weighted = layers.filter { !$0.trainable!.isEmpty }
    let classes = Dictionary(grouping: weighted, by: \.snakeCaseClass)
    return .anyInterleaving(
      classes.sorted { $0.key < $1.key }.map { $1.map { $0.trainable!.compactMap(owner) } })
  }

  /// Keras 3 names an optimizer after its class unless told otherwise: `adagrad`, `rm_sprop_1`.
  private static func className(ofOptimizerNamed name: String) -> String? {
    let element = ElementName.split(name).className
    return OptimizerEntry.knownClassNames.first { snakeCase($0) == element }
  }

  /// Without a configuration: the slots that the class must have to be so many, if that tells them.
  private static func impliedSlots(
    className: String?, slotCount: Int, trainableCount: Int
  ) -> SlotOrder? {
    guard let className, trainableCount > 0, slotCount.isMultiple(of: trainableCount) else {
      return nil
    }
    return SlotOrder.only(className: className, slotCount: slotCount / trainableCount)
  }
}
