import HDF5
import KerasConfiguration
import Tensors

/// Layout C: the tree of a model's objects, each with its variables numbered in a group `vars`, as
/// Keras's `save_weights("x.weights.h5")` writes it.
enum WeightsLayout {
  /// The group of the model's layers, by dialect.
  static func layersGroup(_ dialect: Dialect) -> String {
    dialect == .keras2 ? "_layer_checkpoint_dependencies" : "layers"
  }
  static let optimizerGroup = "optimizer"
  static let variables = "vars"

  static func isLaidOut(_ root: borrowing HDF5Group) throws(HDF5Error) -> Bool {
    try root.exists(layersGroup(.keras3)) || root.exists(layersGroup(.keras2))
  }
}

// MARK: - Reading

extension WeightsLayout {
  static func readManifest(
    _ root: borrowing HDF5Group, cairn: CairnGroup.Content?, path: String
  ) throws -> CheckpointManifest {
    let dialect = try dialect(of: root)
    var model: ModelConfiguration?
    if let text = cairn?.modelText { model = try ModelConfiguration(json: text, path: path) }
    var training: TrainingConfiguration?
    if let text = cairn?.trainingText {
      training = try TrainingConfiguration(json: text, dialect: dialect, path: path)
    }
    let layers = try readLayers(root, dialect: dialect, model: model, path: path)
    var manifest = CheckpointManifest(
      layout: .weights, dialect: dialect, kerasVersion: nil, entries: layers.flatMap(\.entries),
      optimizer: nil, model: model, training: training, resumption: nil, notes: [])
    if try root.exists(variables) {
      manifest.entries += try readVariables(
        root.openGroup(variables), of: [], names: nil)
    }
    try readOptimizer(root, layers, into: &manifest, path: path)
    if try root.exists("metrics") {
      manifest.entries += try readOthers(root.openGroup("metrics"))
    }
    return manifest
  }

  /// Keras 2 has layers under a name of its own; Keras 3 alone names the objects.
  private static func dialect(of root: borrowing HDF5Group) throws -> Dialect {
    guard try root.exists(layersGroup(.keras3)) else { return .keras2 }
    let layers = try root.openGroup(layersGroup(.keras3))
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
    _ root: borrowing HDF5Group, dialect: Dialect, model: ModelConfiguration?, path: String
  ) throws -> [Layer] {
    let group = try root.openGroup(layersGroup(dialect))
    let elements = try group.memberNames()
    // With an architecture the layers' own order and names are known.
    let known = Dictionary(
      model.map { ModelElements.named($0, dialect: dialect) } ?? []
    ) { first, _ in first }
    var layers: [(order: Int, layer: Layer)] = []
    for (position, element) in elements.enumerated() {
      let layerGroup = try group.openGroup(element)
      let (snakeCaseClass, number) = ModelElements.split(element)
      let outline = known[element]
      let name =
        try outline?.layer.name
        ?? storedName(of: layerGroup)
        ?? ModelElements.defaultName(snakeCaseClass, number, dialect: dialect)
      var layer = Layer(
        name: name, snakeCaseClass: snakeCaseClass, entries: [], trainable: [])
      try readObject(
        layerGroup, at: [name], snakeCaseClass: snakeCaseClass, outline: outline?.layer,
        into: &layer)
      layers.append((outline?.position ?? position, layer))
    }
    return layers.sorted { $0.order < $1.order }.map(\.layer)
  }

  private static func storedName(of group: borrowing HDF5Group) throws -> String? {
    guard try group.exists(variables) else { return nil }
    return try group.openGroup(variables).attributes.optionalString("name")
  }

  /// The variables of an object, then those of the objects inside it.
  private static func readObject(
    _ group: borrowing HDF5Group, at layerPath: LayerPath, snakeCaseClass: String,
    outline: LayerOutline?, into layer: inout Layer
  ) throws {
    for member in try group.memberNames() {
      let inner = try group.openGroup(member)
      if member == variables {
        let count = try inner.memberNames().count
        let schema =
          outline?.variables
          ?? LayerSchema.variables(snakeCaseClass: snakeCaseClass, count: count)
        let matching = schema?.count == count ? schema : nil
        let entries = try readVariables(inner, of: layerPath, names: matching?.map(\.name))
        layer.entries += entries
        if let matching, layer.trainable != nil {
          let isLayerTrainable = outline?.isTrainable ?? true
          layer.trainable! += zip(entries, matching)
            .filter { isLayerTrainable && $1.isTrainable }.map(\.0)
        } else if count > 0 {
          layer.trainable = nil
        }
      } else if member == layersGroup(.keras2) || member == layersGroup(.keras3) {
        // A nested model: its own list of layers.
        for element in try inner.memberNames() {
          try readInner(inner.openGroup(element), element, at: layerPath, into: &layer)
        }
      } else {
        try readInner(inner, member, at: layerPath, into: &layer)
      }
    }
  }

  /// An object inside a layer. The order in which its variables reach the optimizer is the order of
  /// its creation, which a group does not tell.
  private static func readInner(
    _ group: borrowing HDF5Group, _ element: String, at outer: LayerPath, into layer: inout Layer
  ) throws {
    let name = try storedName(of: group) ?? element
    let before = layer.entries.count
    try readObject(
      group, at: outer.appending(name), snakeCaseClass: ModelElements.split(element).className,
      outline: nil, into: &layer)
    if layer.entries.count > before { layer.trainable = nil }
  }

  private static func readVariables(
    _ group: borrowing HDF5Group, of layer: LayerPath, names: [String]?
  ) throws -> [CheckpointEntry] {
    var entries: [CheckpointEntry] = []
    for (index, member) in try group.memberNames().enumerated() {
      let own = names?[index] ?? CanonicalName.unnamed(index)
      entries.append(
        try CheckpointEntry(
          group.openDataset(member), name: CanonicalName.variable(own, in: layer),
          role: .weight(VariableID(layer: layer, index: index))))
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
    _ root: borrowing HDF5Group, _ layers: [Layer], into manifest: inout CheckpointManifest,
    path: String
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
    let order = manifest.model == nil ? interleaving(of: layers) : knownOrder(of: layers)
    let head = datasets.prefix(2).filter { $0.shape.rank == 0 }.count
    let ties = try SlotTies(
      of: datasets.map {
        .init(name: nil, datasetPath: $0.datasetPath, shape: $0.shape, dtype: $0.dtype)
      },
      slotNames: entry?.slotNames
        ?? adagradSlots(
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

  private static func knownOrder(of layers: [Layer]) -> SlotTies.Order {
    guard layers.allSatisfy({ $0.trainable != nil }) else { return .unknown }
    return .known(layers.flatMap { $0.trainable! }.compactMap(owner))
  }

  /// The order of layers of one class is that of their numbers; across classes it is open.
  private static func interleaving(of layers: [Layer]) -> SlotTies.Order {
    guard layers.allSatisfy({ $0.trainable != nil }) else { return .unknown }
    let weighted = layers.filter { !$0.trainable!.isEmpty }
    let classes = Dictionary(grouping: weighted, by: \.snakeCaseClass)
    return .anyInterleaving(
      classes.sorted { $0.key < $1.key }.map { $1.map { $0.trainable!.compactMap(owner) } })
  }

  /// Keras 3 names an optimizer after its class unless told otherwise: `adagrad`, `adagrad_1`.
  private static func className(ofOptimizerNamed name: String) -> String? {
    ModelElements.split(name).className == "adagrad" ? "Adagrad" : nil
  }

  /// Without a configuration: one block of slots is the accumulators, two are averages before them.
  private static func adagradSlots(
    className: String?, slotCount: Int, trainableCount: Int
  ) -> [String]? {
    guard className == "Adagrad" else { return nil }
    switch slotCount {
    case trainableCount: return ["accumulator"]
    case 2 * trainableCount: return ["average", "accumulator"]
    default: return nil
    }
  }
}
