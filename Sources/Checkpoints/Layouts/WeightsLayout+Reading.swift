import HDF5
import KerasConfiguration
import Tensors

/// Layout C: the tree of a model's objects, each with its variables numbered in a group `vars`, as
/// Keras's `save_weights("x.weights.h5")` writes it.
enum WeightsLayout {
  static let optimizerGroup = "optimizer"
  static let metricsGroup = "metrics"
  static let variables = "vars"

  static func isLaidOut(_ root: borrowing StoredGroup) throws(HDF5Error) -> Bool {
    if try root.exists(Dialect.keras3.layersGroup) { return true }
    if try root.exists(Dialect.keras2.layersGroup) { return true }
    // A subclassed model may have all its layers under attributes of its own.
    return try root.exists(variables)
  }
}

// MARK: - Reading

extension WeightsLayout {
  /// - Parameter kerasDialect: whose the file says that it is, where something beside the tree says so.
  static func readManifest(
    _ root: borrowing StoredGroup, model: ModelConfiguration?, training: TrainingConfiguration?,
    frozen: Set<VariableID> = [], dialect kerasDialect: Dialect? = nil, path: String
  ) throws -> CheckpointManifest {
    let attributes = try attributesOfModel(root)
    let dialect = try dialect(of: root, attributes, named: kerasDialect)
    let implied = try model.map { try ModelVariables($0, dialect: dialect) }
    let layers = try readLayers(root, attributes, dialect: dialect, implied: implied)
    var entries = layers.flatMap(\.entries)
    if let implied {
      entries = implied.inModelOrder(entries) { entry in
        guard case .weight(let id) = entry.role else { return ([], 0) }
        return (id.layer, id.index)
      }
    }
    var manifest = CheckpointManifest(
      layout: .weights, dialect: dialect, kerasVersion: nil, entries: entries, optimizer: nil,
      model: model, training: training, resumption: nil, notes: [], frozen: frozen)
    if dialect != .keras3, implied?.places.isEmpty ?? true {
      manifest.notes.append(
        "the file does not hold the names of layers: those shown are made from classes and numbers")
    }
    if try root.exists(variables) {
      let group = try root.openGroup(variables)
      manifest.entries += try readVariables(group, group.links(), of: [], names: nil)
    }
    try readOptimizer(root, layers, implied, into: &manifest, path: path)
    manifest.learnCustomLayers(implied)
    if try root.exists(metricsGroup) {
      manifest.entries += try root.openGroup(metricsGroup).throughLibrary(readOthers)
    }
    return manifest
  }

  /// Keras 2 has layers under a name of its own; Keras 3 alone names the objects.
  ///
  /// In subclassed models all three have `layers`, and an object stands where the walk over the
  /// attributes meets it first: Keras 2 walks forwards, tf_keras backwards, so that attributes keep
  /// objects for themselves if their names come before `layers`, or after it.
  private static func dialect(
    of root: borrowing StoredGroup, _ attributes: [String], named: Dialect?
  ) throws -> Dialect {
    if try root.exists(Dialect.keras2.layersGroup) { return .keras2 }
    for name in [Dialect.keras3.layersGroup] + attributes where try root.exists(name) {
      switch try namesObjects(root.openGroup(name)) {
      case true?: return .keras3
      case false? where attributes.isEmpty: return .tfKeras
      case false?:
        if let named, named != .keras3 { return named }
        return attributes.contains { $0 < Dialect.keras3.layersGroup } ? .keras2 : .tfKeras
      case nil: continue
      }
    }
    return named ?? .keras3
  }

  /// Whether the first object below a group has its name beside its variables; nil without objects.
  private static func namesObjects(
    _ group: borrowing StoredGroup, depth: Int = 0
  ) throws -> Bool? {
    guard depth < maximumDepth else { return nil }
    for link in try group.links() {
      guard let inner = try group.openGroupIfAny(link) else { continue }
      if link.name == variables {
        return try inner.throughLibrary { group throws(HDF5Error) in
          try group.attributes.contains("name")
        }
      }
      if let answer = try namesObjects(inner, depth: depth + 1) { return answer }
    }
    return nil
  }
}
