import HDF5
import KerasConfiguration
import Tensors

// MARK: - The optimizer

extension WeightsLayout {
  static func readOptimizer(
    _ root: borrowing StoredGroup, _ layers: [Layer], _ implied: ModelVariables?,
    into manifest: inout CheckpointManifest, path: String
  ) throws {
    let entry = manifest.training?.optimizer
    let groupPath = "\(optimizerGroup)/\(variables)"
    guard try root.exists(optimizerGroup), try root.exists(groupPath) else {
      manifest.noteOptimizerWithoutState()
      return
    }
    let group = try root.openGroup(groupPath)
    var datasets: [CheckpointEntry] = []
    for link in try group.links() {
      datasets.append(
        try group.entry(of: link, name: "\(groupPath)/\(link.name)", role: .untied))
    }
    let inner = try innerOptimizer(root)
    var head = SlotTies.Head(of: entry, manifest.dialect)
    head.scalesLoss = manifest.dialect == .keras3 && inner?.count == datasets.count - 4
    let optimizerName = try optimizerName(root)
    let className = entry?.className ?? optimizerName.flatMap(className(ofOptimizerNamed:))
    let owners = layers.flatMap(\.entries).compactMap { SlotTies.Owner($0, storedName: nil) }
    let stored = datasets.map {
      SlotTies.Stored(
        name: nil, datasetPath: $0.datasetPath, shape: $0.shape, dtype: $0.dtype)
    }
    let slotOrder =
      entry?.slotOrder(in: manifest.dialect)
      ?? impliedSlots(
        className: className,
        shapes: stored.dropFirst(head.ties(of: stored).count).map(\.shape),
        trainableCount: layers.reduce(0) { $0 + ($1.trainable?.count ?? 0) })
    var order =
      implied?.trainableOrder(
        owners, except: manifest.frozen, ofNumberedFilesOf: manifest.dialect)
      ?? interleaving(of: layers)
    if case .anySelection = order, let reason = reasonAgainstNumbers(manifest.entries) {
      order = .unproven(reason: reason)
    }
    let ties = try SlotTies(
      of: stored, slots: slotOrder, owners: owners, order: order, head: head, path: path)
    if let selection = ties.selection, let implied {
      manifest.layersProvenBySlots = implied.openLayers
      manifest.selection = selection
    }
    let entries = zip(datasets, ties.ties).map { $0.tied($1) }
    manifest.entries += entries
    manifest.notes += ties.notes
    if let slotOrder, slotOrder.slots.contains(where: { !$0.isProven }) {
      manifest.notes.append(
        "without a configuration, averages and gradient accumulators cannot be told apart")
    }
    if className == nil {
      manifest.notes.append("the file does not hold the class of its optimizer")
    }
    manifest.optimizer = try group.throughLibrary { group throws(HDF5Error) in
      try OptimizerSummary(
        className: className, entry: entry, scalesLoss: inner != nil || entry?.inner != nil,
        entries: entries, in: group)
    }
  }

  /// Why the order of a model's variables is not that of its layers, or that inside a layer not that of
  /// numbers; nil where nothing speaks against it.
  private static func reasonAgainstNumbers(_ entries: [CheckpointEntry]) -> String? {
    for entry in entries {
      guard case .weight(let id) = entry.role else { continue }
      if id.layer.names.isEmpty {
        return
          "the model has variables beside those of its layers, some of which are of unknown classes"
      }
      if entry.datasetPath.split(separator: "/").last.map(String.init) != "\(id.index)" {
        return
          "`\(id.layer)` names its variables instead of numbering them, as only its code explains"
      }
    }
    return nil
  }

  /// The name of the optimizer, or of the one that it wraps; nil where the file does not store it.
  static func optimizerName(_ root: borrowing StoredGroup) throws -> String? {
    if let inner = try innerOptimizer(root) { return inner.name }
    let path = "\(optimizerGroup)/\(variables)"
    guard try root.exists(optimizerGroup), try root.exists(path) else { return nil }
    return try root.openGroup(path).name()
  }

  /// The optimizer inside one that scales the loss, whose variables the outer one repeats: its name, if
  /// stored, and how many they are.
  private static func innerOptimizer(
    _ root: borrowing StoredGroup
  ) throws -> (name: String?, count: Int)? {
    for name in [Dialect.keras3.innerOptimizerGroup, Dialect.keras2.innerOptimizerGroup] {
      let path = "\(optimizerGroup)/\(name)/\(variables)"
      guard try root.exists("\(optimizerGroup)/\(name)"), try root.exists(path) else { continue }
      let group = try root.openGroup(path)
      return try (group.name(), group.links().count)
    }
    return nil
  }

  /// The order of layers of one class is that of their numbers; across classes it is open.
  private static func interleaving(of layers: [Layer]) -> SlotTies.Order {
    guard layers.allSatisfy({ $0.trainable != nil }) else { return .unknown }
    let weighted = layers.filter { !$0.trainable!.isEmpty }
    let classes = Dictionary(grouping: weighted, by: \.snakeCaseClass)
    return .anyInterleaving(
      classes.sorted { $0.key < $1.key }.map {
        $1.map { layer in
          layer.trainable!.compactMap { SlotTies.Owner($0, storedName: nil) }
        }
      })
  }

  /// Keras 3 names an optimizer after its class unless told otherwise: `adagrad`, `rm_sprop_1`.
  private static func className(ofOptimizerNamed name: String) -> String? {
    let element = ElementName.split(name).className
    return OptimizerEntry.knownClassNames.first { snakeCase($0) == element }
  }

  /// Without a configuration: what the blocks of slots are, as far as their number proves it.
  ///
  /// Adagrad's last block is the accumulators; before it may stand averages, gradient accumulators, or
  /// both in this order. Layers may have been frozen, so that as many slots as variables can also be
  /// several blocks over fewer variables, if the shapes repeat: then nothing is proven.
  static func impliedSlots(
    className: String?, shapes: [Shape], trainableCount: Int
  ) -> SlotOrder? {
    guard let className, trainableCount > 0, shapes.count.isMultiple(of: trainableCount) else {
      return nil
    }
    let blockCount = shapes.count / trainableCount
    guard className == "Adagrad" else {
      return SlotOrder.only(className: className, slotCount: blockCount)
    }
    let others = [2, 3].filter { $0 > blockCount && consistsOf($0, equalBlocksIn: shapes) }
    guard others.isEmpty else { return nil }
    let accumulator = SlotOrder.Slot("accumulator")
    switch blockCount {
    case 1: return SlotOrder(groups: [[accumulator]])
    case 2: return SlotOrder(groups: [[.unproven], [accumulator]])
    case 3:
      return SlotOrder(
        groups: [
          [SlotOrder.Slot("average")], [SlotOrder.Slot("gradient_accumulator")], [accumulator],
        ])
    default: return nil
    }
  }

  private static func consistsOf(_ count: Int, equalBlocksIn shapes: [Shape]) -> Bool {
    guard shapes.count.isMultiple(of: count) else { return false }
    let length = shapes.count / count
    return shapes.indices.dropFirst(length).allSatisfy { shapes[$0] == shapes[$0 - length] }
  }
}

extension Dialect {
  /// Where an optimizer that scales the loss keeps the one that it wraps.
  var innerOptimizerGroup: String { self == .keras2 ? "_optimizer" : "inner_optimizer" }
}
