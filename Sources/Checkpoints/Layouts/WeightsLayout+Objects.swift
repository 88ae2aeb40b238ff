import HDF5
import KerasConfiguration
import Tensors

// MARK: - The tree of objects

extension WeightsLayout {
  /// No model that Keras saves nests deeper; a group of a damaged file may contain itself.
  static let maximumDepth = 64

  /// A top-level layer of the file.
  struct Layer {
    let name: String
    /// The snake-case class name, from the element's name.
    let snakeCaseClass: String
    var entries: [CheckpointEntry]
    /// The trainable ones among the entries, in order; nil when that cannot be told.
    var trainable: [CheckpointEntry]?
  }

  /// The root groups in which a subclassed model keeps what stands under its own attributes.
  static func attributesOfModel(_ root: borrowing StoredGroup) throws -> [String] {
    let known = [
      Dialect.keras2.layersGroup, Dialect.keras3.layersGroup, optimizerGroup, metricsGroup,
      variables, CairnGroup.path,
    ]
    var names: [String] = []
    for link in try root.links() where !known.contains(link.name) {
      if let group = try root.openGroupIfAny(link), try holdsVariables(group) {
        names.append(link.name)
      }
    }
    return names
  }

  private static func holdsVariables(
    _ group: borrowing StoredGroup, depth: Int = 0
  ) throws -> Bool {
    guard depth < maximumDepth else { return false }
    for link in try group.links() {
      guard let inner = try group.openGroupIfAny(link) else { continue }
      if link.name == variables { return true }
      if try holdsVariables(inner, depth: depth + 1) { return true }
    }
    return false
  }

  static func readLayers(
    _ root: borrowing StoredGroup, _ attributes: [String], dialect: Dialect,
    implied: ModelVariables?
  ) throws -> [Layer] {
    var layers: [Layer] = []
    // Keras 2 lists the layers of a subclassed model as Keras 3 does.
    for list in [dialect.layersGroup, Dialect.keras3.layersGroup] {
      guard layers.isEmpty, try root.exists(list) else { continue }
      let group = try root.openGroup(list)
      for link in try group.links() {
        layers.append(
          try readLayer(
            group.openGroup(link), element: link.name, "\(list)/\(link.name)", dialect: dialect,
            implied: implied))
      }
    }
    for attribute in attributes {
      var layer = try readLayer(
        root.openGroup(attribute), element: attribute, attribute, dialect: dialect,
        implied: implied)
      // The order in which the code of a model's class calls its attributes is not in the file.
      layer.trainable = nil
      layers.append(layer)
    }
    return layers
  }

  /// - Parameter element: the last part of `path`.
  private static func readLayer(
    _ group: borrowing StoredGroup, element: String, _ path: String, dialect: Dialect,
    implied: ModelVariables?
  ) throws -> Layer {
    let (snakeCaseClass, number) = ElementName.split(element)
    let name =
      try implied?.topLevelLayer(inGroup: path) ?? storedName(of: group)
      ?? (element == path
        ? path : ElementName.defaultName(snakeCaseClass, number, dialect: dialect))
    var layer = Layer(name: name, snakeCaseClass: snakeCaseClass, entries: [], trainable: [])
    try readObject(group, path, at: [name], dialect, implied, into: &layer)
    return layer
  }

  private static func storedName(of group: borrowing StoredGroup) throws -> String? {
    guard try group.exists(variables) else { return nil }
    return try group.openGroup(variables).name()
  }

  /// The variables of an object, then those of the objects inside it.
  private static func readObject(
    _ group: borrowing StoredGroup, _ groupPath: String, at guessedPath: LayerPath,
    _ dialect: Dialect, _ implied: ModelVariables?, into layer: inout Layer, depth: Int = 0
  ) throws {
    guard depth < maximumDepth else { return }
    let place = implied?.placesByGroup[groupPath]
    let layerPath = place?.path ?? guessedPath
    for link in try group.links() {
      let inner = try group.openGroup(link)
      let member = link.name
      let path = "\(groupPath)/\(member)"
      if member == variables {
        try readOwnVariables(inner, of: groupPath, place, at: layerPath, into: &layer)
      } else if member == Dialect.keras2.layersGroup || member == Dialect.keras3.layersGroup {
        // A nested model: its own list of layers.
        for link in try inner.links() {
          let object = try inner.openGroup(link)
          let element = link.name
          let (className, number) = ElementName.split(element)
          let name =
            try storedName(of: object)
            ?? ElementName.defaultName(className, number, dialect: dialect)
          try readObject(
            object, "\(path)/\(element)", at: layerPath.appending(name), dialect, implied,
            into: &layer, depth: depth + 1)
        }
      } else {
        try readObject(
          inner, path, at: layerPath.appending(member), dialect, implied, into: &layer,
          depth: depth + 1)
      }
    }
  }

  private static func readOwnVariables(
    _ group: borrowing StoredGroup, of groupPath: String, _ place: VariablePlace?,
    at layerPath: LayerPath, into layer: inout Layer
  ) throws {
    let members = try group.links()
    let count = members.count
    var schema = place?.variables
    // Somebody's own class may share the name of a known one.
    if schema == nil, place?.hasUnknownClass != true {
      schema = LayerSchema.guessedVariables(group: groupPath, count: count)
    }
    let matching = schema?.count == count ? schema : nil
    let entries = try readVariables(
      group, members, of: layerPath, names: matching?.map(\.name))
    layer.entries += entries
    guard count > 0 else { return }
    // What is inside another object reaches the optimizer in the order of creation, which only an
    // architecture tells.
    if let matching, layerPath.names.count == 1, layer.trainable != nil {
      layer.trainable! += zip(entries, matching).filter(\.1.isTrainable).map(\.0)
    } else {
      layer.trainable = nil
    }
  }

  /// - Parameters:
  ///   - members: the links of the group, in order.
  ///   - names: of the variables, if known.
  static func readVariables(
    _ group: borrowing StoredGroup, _ members: [StoredGroup.Link], of layer: LayerPath,
    names: [String]?
  ) throws -> [CheckpointEntry] {
    var entries: [CheckpointEntry] = []
    for (index, member) in members.enumerated() {
      let id = VariableID(layer: layer, index: index)
      entries.append(
        try group.entry(of: member, name: id.canonicalName(names?[index]), role: .weight(id)))
    }
    return entries
  }

  /// Datasets of any depth, under their paths.
  static func readOthers(
    _ group: borrowing HDF5Group
  ) throws(HDF5Error) -> [CheckpointEntry] {
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
