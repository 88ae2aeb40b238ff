public import Tensors

/// An object of a model that may own variables: a layer, a cell, a wrapped layer, a nested model.
public struct VariablePlace: Sendable, Hashable {
  /// Its path, the same in every dialect and layout.
  public var path: LayerPath
  /// The class of the layer that this place is, or is inside of.
  public var className: String
  /// The layer of the model in whose group a whole-model file keeps these variables.
  public var topLevelLayer: String
  /// Its group in a v3 weights file; the datasets are `<group>/vars/0`, `1`, ...
  public var group: String
  /// Its own variables, nil for a class without schema.
  public var variables: [VariableSchema]?
  /// False if the object is frozen, or an owner of it that freezes what is inside.
  public var isTrainable: Bool
  /// False if the layer of the model that this is, or is inside of, is frozen: a whole-model file then lists
  /// its variables as they were created, also where Keras 3 trains what is inside.
  public var isTopLevelTrainable = true
  /// Whether the class is one of which Cairn knows nothing, so that its variables have numbers for names;
  /// false for a known class with options that change its variables.
  public var hasUnknownClass: Bool
  /// False if the class is unknown and nothing tells which of the variables are trained.
  public var isTrainingKnown = true

  public init(
    path: LayerPath, className: String, topLevelLayer: String, group: String,
    variables: [VariableSchema]?, isTrainable: Bool = true, hasUnknownClass: Bool = false
  ) {
    self.path = path
    self.className = className
    self.topLevelLayer = topLevelLayer
    self.group = group
    self.variables = variables
    self.isTrainable = isTrainable
    self.hasUnknownClass = hasUnknownClass
  }

  /// The variable of this place that `schema` describes.
  func variable(at index: Int, _ schema: VariableSchema) -> ModelVariable {
    let id = VariableID(layer: path, index: index)
    return ModelVariable(
      id: id, name: id.canonicalName(schema.name), schema: schema,
      isTrainable: schema.isTrainable && isTrainable, topLevelLayer: topLevelLayer,
      isTopLevelTrainable: isTopLevelTrainable, dataset: "\(group)/vars/\(index)")
  }
}

/// A variable that a model's configuration implies.
public struct ModelVariable: Sendable, Hashable {
  /// Layer path and creation index.
  public var id: VariableID
  /// The canonical name, such as `encoder/dense/kernel`.
  public var name: String
  /// What its class says of it.
  public var schema: VariableSchema
  /// True if an optimizer trains it and so keeps slots for it: created trainable, and neither the layer that
  /// created it nor an owner that freezes what is inside is frozen.
  public var isTrainable: Bool
  /// The layer of the model in whose group a whole-model file keeps it.
  public var topLevelLayer: String
  /// See ``VariablePlace/isTopLevelTrainable``.
  public var isTopLevelTrainable = true
  /// Its dataset in a v3 weights file.
  public var dataset: String
}

extension ModelConfiguration {
  /// The places of the model's variables, in model order: each layer, then what is inside it.
  ///
  /// `dialect` decides the groups, not the paths. A layer of unknown class is one place without
  /// variables; Keras 2's numbering then takes it for a layer that has some.
  ///
  /// Complexity: O(variables) the first time, then O(1) for all copies of this value.
  public func places(in dialect: Dialect) throws(ConfigurationError) -> [VariablePlace] {
    try memo.places(in: dialect) { () throws(ConfigurationError) in
      var places: [VariablePlace] = []
      try appendPlaces(
        to: &places, in: dialect, path: [], group: "", topLevelLayer: nil,
        isTrainable: isTrainable, customLayers)
      return places
    }
  }

  /// The variables in model order, which is the order of the optimizer's slots (for those that are
  /// trainable). Throws for a layer whose class has no schema.
  ///
  /// Complexity: as ``places(in:)``.
  public func variables(in dialect: Dialect) throws(ConfigurationError) -> [ModelVariable] {
    try memo.variables(in: dialect) { () throws(ConfigurationError) in
      var variables: [ModelVariable] = []
      for place in try places(in: dialect) {
        guard let schemas = place.variables else {
          throw .unknownClass(
            place.className, object: "layer `\(place.path)`",
            known: [
              "the layer classes of Keras whose variables Cairn knows",
              "others without further objects inside",
            ])
        }
        for (index, schema) in schemas.enumerated() {
          variables.append(place.variable(at: index, schema))
        }
      }
      return variables
    }
  }

  /// The variables of each top-level layer in the order of a whole-model file's `weight_names`:
  /// trainable ones first, as the flags are now. Layers without variables included. Throws for a layer
  /// whose class has no schema.
  ///
  /// - Parameters:
  ///   - dialect: whose file it is: in the words of Keras 2, no layer is frozen of which something is trained.
  ///   - frozen: further variables that are not trained.
  public func weightsByLayer(
    in dialect: Dialect, frozen: Set<VariableID> = []
  ) throws(ConfigurationError) -> [(layer: String, variables: [ModelVariable])] {
    try requireOrder()
    let variables = Dictionary(grouping: try variables(in: dialect), by: \.topLevelLayer)
    func isListedFirst(_ variable: ModelVariable) -> Bool {
      variable.isTrainable && (dialect.ownersFreeze || variable.isTopLevelTrainable)
        && !frozen.contains(variable.id)
    }
    return topLevelLayers.map { layer in
      let own = variables[layer.name] ?? []
      return (layer.name, own.filter(isListedFirst) + own.filter { !isListedFirst($0) })
    }
  }

  /// Throws where a layer's order, trained variables first, depends on what is not known.
  private func requireOrder() throws(ConfigurationError) {
    let places = try places(in: dialect).filter { $0.variables?.isEmpty == false }
    let counts = Dictionary(grouping: places, by: \.topLevelLayer).mapValues(\.count)
    // A layer alone has them in this order in every layout.
    for place in places where !place.isTrainingKnown && counts[place.topLevelLayer]! > 1 {
      throw .orderUnknown(className: place.className, object: "layer `\(place.path)`")
    }
  }

  /// The layers that `layer_names` of a whole-model file lists: all, but a Sequential's InputLayer.
  public var topLevelLayers: [LayerEntry] {
    calls == .chain ? layers.filter { $0.className != "InputLayer" } : layers
  }

  /// The places of this model's layers.
  ///
  /// - Parameters:
  ///   - path: the model's own, empty for the outermost.
  ///   - group: the model's own in a v3 weights file, with a slash behind it; empty for the outermost.
  ///   - isTrainable: false if the model or an owner of it is frozen, as far as that freezes its layers.
  fileprivate func appendPlaces(
    to places: inout [VariablePlace], in dialect: Dialect, path: LayerPath, group: String,
    topLevelLayer: LayerEntry?, isTrainable: Bool, _ customLayers: [LayerPath: CustomLayer]
  ) throws(ConfigurationError) {
    var numbering = ElementNumbering(layersIn: dialect)
    for layer in topLevelLayers {
      let path = path.appending(layer.name)
      let element = numbering.name(
        ofClass: layer.plainClassName,
        hasVariables: try layer.hasVariables(at: path, in: self.dialect, customLayers))
      try layer.appendPlaces(
        to: &places, in: dialect, spelledBy: self.dialect, path: path,
        group: "\(group)\(dialect.layersGroup)/\(element)",
        topLevelLayer: topLevelLayer ?? layer, isTrainable: isTrainable, customLayers)
    }
  }
}

extension LayerEntry {
  /// The places of this layer and of what is inside it, depth first.
  ///
  /// - Parameter spelling: the dialect of the layer's JSON.
  fileprivate func appendPlaces(
    to places: inout [VariablePlace], in dialect: Dialect, spelledBy spelling: Dialect,
    path: LayerPath, group: String, topLevelLayer: LayerEntry, isTrainable: Bool,
    _ customLayers: [LayerPath: CustomLayer]
  ) throws(ConfigurationError) {
    let isOwnTrainable = isTrainable && self.isTrainable
    let isInnerTrainable = spelling.ownersFreeze ? isOwnTrainable : isTrainable
    if isModel {
      try ModelConfiguration(json: json, dialect: spelling).appendPlaces(
        to: &places, in: dialect, path: path, group: group + "/", topLevelLayer: topLevelLayer,
        isTrainable: isInnerTrainable, customLayers)
      return
    }
    let wrapped = wrappedLayer
    let schema = wrapped == nil ? schema(in: dialect) : LayerSchema()
    let custom = customLayers[path]
    var place = VariablePlace(
      path: path, className: className, topLevelLayer: topLevelLayer.name, group: group,
      variables: schema?.variables ?? custom?.variables, isTrainable: isOwnTrainable,
      hasUnknownClass: isCustomClass || !hasKnownClass)
    place.isTopLevelTrainable = topLevelLayer.isTrainable
    place.isTrainingKnown = schema != nil || custom?.isTrainingKnown == true
    place.append(
      to: &places, children: schema?.children ?? [],
      ownersAreTrainable: spelling.ownersFreeze ? nil : isTrainable)
    try wrapped?.appendPlaces(
      to: &places, in: dialect, spelledBy: spelling, path: path.appending(Self.wrappedKey),
      group: "\(group)/\(Self.wrappedKey)", topLevelLayer: topLevelLayer,
      isTrainable: isInnerTrainable, customLayers)
  }

  /// True if the layer or anything inside it has variables, or may have some because a class is unknown.
  fileprivate func hasVariables(
    at path: LayerPath, in dialect: Dialect, _ customLayers: [LayerPath: CustomLayer]
  ) throws(ConfigurationError) -> Bool {
    if isModel {
      for layer in try ModelConfiguration(json: json, dialect: dialect).layers
      where try layer.hasVariables(at: path.appending(layer.name), in: dialect, customLayers) {
        return true
      }
      return false
    }
    if let wrapped = wrappedLayer {
      return try wrapped.hasVariables(
        at: path.appending(Self.wrappedKey), in: dialect, customLayers)
    }
    return (schema(in: dialect)?.variableCount ?? customLayers[path]?.variables.count)
      .map { $0 > 0 } ?? true
  }
}

extension VariablePlace {
  /// This place and those inside it, depth first.
  ///
  /// - Parameter ownersAreTrainable: nil if whatever owns an object freezes it; else whether an object with a
  ///   flag of its own may be trained at all.
  fileprivate func append(
    to places: inout [VariablePlace], children: [LayerSchema.Child], ownersAreTrainable: Bool?
  ) {
    places.append(self)
    for child in children {
      var place = self
      place.path = path.appending(child.name)
      place.group = "\(group)/\(child.group)"
      place.variables = child.schema.variables
      if let flag = child.isTrainable {
        place.isTrainable = (ownersAreTrainable ?? isTrainable) && flag
      }
      place.append(
        to: &places, children: child.schema.children, ownersAreTrainable: ownersAreTrainable)
    }
  }
}

extension Dialect {
  /// Whether a frozen layer freezes what is inside it. In Keras 3 that happens only when its flag is set,
  /// which sets those inside as well; a layer that is made frozen, as from a configuration, freezes the
  /// variables alone that it creates itself.
  var ownersFreeze: Bool { self != .keras3 }
}
