import KerasConfiguration
import Tensors

/// The variables that an architecture implies, as far as its classes are known.
struct ModelVariables {
  /// By the group of a v3 weights file.
  let placesByGroup: [String: VariablePlace]
  /// In model order.
  let places: [VariablePlace]
  /// Layers of classes of which nothing is known.
  private let unknownLayers: Set<LayerPath>
  /// What is known already of layers of unknown classes.
  let knownLayers: [LayerPath: CustomLayer]
  private let ranks: [LayerPath: Int]
  private let placesByLayer: [String: [VariablePlace]]
  /// False for a model whose own code decides which layers it has, whatever its JSON lists.
  private let isComplete: Bool

  init(_ model: ModelConfiguration, dialect: Dialect) throws(ConfigurationError) {
    places = try model.places(in: dialect)
    placesByGroup = Dictionary(places.map { ($0.group, $0) }) { first, _ in first }
    placesByLayer = Dictionary(grouping: places, by: \.topLevelLayer)
    unknownLayers = Set(places.filter(\.hasUnknownClass).map(\.path))
    knownLayers = model.customLayers
    isComplete = model.calls != .unknown
    ranks = Dictionary(places.enumerated().map { ($1.path, $0) }) { first, _ in first }
  }

  /// One implied variable.
  struct Implied {
    let id: VariableID
    let schema: VariableSchema
    let isTrainable: Bool
    /// Whether a whole-model file lists it before those of its layer that are not trained.
    let isListedFirst: Bool
    /// The class of the layer that owns it or holds its owner.
    let className: String
  }

  /// The name of the layer that a v3 weights file keeps in a group; nil for a group that the
  /// architecture does not imply.
  func topLevelLayer(inGroup group: String) -> String? {
    if let place = placesByGroup[group] { return place.topLevelLayer }
    return places.first { $0.group.hasPrefix("\(group)/") }?.topLevelLayer
  }

  /// Whether the variables of a layer have numbers for names, because its class is unknown: names that
  /// only some layouts store would be others in the rest.
  func hasNumberedVariables(_ layer: LayerPath) -> Bool { unknownLayers.contains(layer) }

  /// Items in the order of the model; those of unknown layers last, in the order in which they came.
  func inModelOrder<Item>(
    _ items: [Item], identity: (Item) -> (layer: LayerPath, index: Int)
  ) -> [Item] {
    let keys = items.map { item in
      let (layer, index) = identity(item)
      return (place: rank(of: layer), index: ranks[layer] == nil ? 0 : index)
    }
    return items.indices.sorted { a, b in
      (keys[a].place, keys[a].index, a) < (keys[b].place, keys[b].index, b)
    }.map { items[$0] }
  }

  /// The position of the object at a path, or of the nearest known one around it.
  private func rank(of path: LayerPath) -> Int {
    var names = path.names
    while !names.isEmpty {
      if let rank = ranks[LayerPath(names)] { return rank }
      names.removeLast()
    }
    return .max
  }

  /// The variables of a top-level layer in the order of a whole-model file, trainable first; nil when
  /// a class inside is unknown.
  func weights(ofTopLevelLayer layer: String) -> [Implied]? {
    guard let implied = variables(ofTopLevelLayer: layer) else { return nil }
    return implied.filter(\.isListedFirst) + implied.filter { !$0.isListedFirst }
  }

  /// The same in the order of creation.
  func variables(ofTopLevelLayer layer: String) -> [Implied]? {
    var implied: [Implied] = []
    for place in placesByLayer[layer] ?? [] {
      guard let variables = place.implied else { return nil }
      implied += variables
    }
    return implied
  }

  /// The order in which an optimizer keeps its variables.
  ///
  /// - Parameters:
  ///   - frozen: variables that it does not train although the architecture says so.
  ///   - dialect: whose file it is, if that only numbers variables and slots; nil where it names them, so
  ///     that nothing has to be concluded about classes of which nothing is known.
  func trainableOrder(
    _ owners: [SlotTies.Owner], except frozen: Set<VariableID> = [],
    ofNumberedFilesOf dialect: Dialect? = nil
  ) -> SlotTies.Order {
    guard isComplete else { return .unknown }
    if let dialect, places.contains(where: { $0.hasUnknownClass && !$0.isTrainingKnown }) {
      return selections(of: owners, except: frozen, dialect: dialect)
    }
    let byID = Dictionary(owners.map { ($0.id, $0) }) { first, _ in first }
    var order: [SlotTies.Owner] = []
    for place in places {
      guard let variables = place.implied, place.isTrainingKnown else { return .unknown }
      for variable in variables where variable.isTrainable && !frozen.contains(variable.id) {
        guard let owner = byID[variable.id] else { return .unknown }
        order.append(owner)
      }
    }
    return .known(order)
  }
}

extension VariablePlace {
  /// Nil for a class without schema.
  var implied: [ModelVariables.Implied]? {
    variables?.enumerated().map { index, schema in
      .init(
        id: VariableID(layer: path, index: index), schema: schema,
        isTrainable: isTrainable && schema.isTrainable,
        isListedFirst: isTrainable && schema.isTrainable && isTopLevelTrainable,
        className: className)
    }
  }
}

extension Dialect {
  /// The `keras_version` under which Cairn writes files of this dialect: the release whose files its
  /// own were held against.
  var writtenVersion: String {
    switch self {
    case .keras2: "2.12.0"
    case .tfKeras: "2.21.0"
    case .keras3: "3.15.1"
    }
  }
}
