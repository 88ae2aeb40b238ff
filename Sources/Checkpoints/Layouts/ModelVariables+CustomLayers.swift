import KerasConfiguration
import Tensors

// MARK: - Layers of classes of which nothing is known

extension ModelVariables {
  /// What the optimizer may keep of each object, where some are of unknown classes.
  ///
  /// Keras numbers the variables of an object in the order of their creation, those first that are created
  /// to be trained, and its optimizer keeps the trained ones in the order of the layers. So only the
  /// selection inside each unknown layer is open: the first few in Keras 2. In Keras 3 any, since a
  /// variable's flag can be changed later; and none where the configuration says that it is frozen.
  ///
  /// What the configuration says of frozen layers may have changed since the optimizer was made. Each object
  /// may therefore also be frozen or thawed as a whole, so that a file in which that fits as well proves
  /// nothing.
  ///
  /// Not provable, and so ``SlotTies/Order/unproven(reason:)``: unknown layers with objects inside them, whose
  /// order only their code tells, or that name their variables otherwise than by numbers.
  func selections(
    of owners: [SlotTies.Owner], except frozen: Set<VariableID>, dialect: Dialect
  ) -> SlotTies.Order {
    let byLayer = Dictionary(grouping: owners, by: \.id.layer)
    let known = Set(places.map(\.path))
    if let inner = owners.first(where: { !known.contains($0.id.layer) }) {
      return .unproven(reason: reasonAgainst(ownerOf: inner))
    }
    // Known classes with options of which it is not known what they make of the variables.
    guard places.allSatisfy({ $0.variables != nil || $0.hasUnknownClass }) else { return .unknown }
    var choices: [SlotTies.Choice] = []
    for place in places {
      let own = (byLayer[place.path] ?? []).sorted { $0.id.index < $1.id.index }
      if let variables = place.implied, place.isTrainingKnown {
        let created = variables.filter(\.schema.isTrainable)
        let byID = Dictionary(own.map { ($0.id, $0) }) { first, _ in first }
        let all = created.compactMap { byID[$0.id] }
        guard all.count == created.count else { return .unknown }
        guard !all.isEmpty else { continue }
        let trained = all.filter { place.isTrainable && !frozen.contains($0.id) }
        choices.append(
          SlotTies.Choice([trained, trained.isEmpty ? all : []], configuredCount: 1))
      } else if dialect == .keras3 {
        for variable in own {
          choices.append(
            place.isTrainable
              ? SlotTies.Choice([[], [variable]])
              : SlotTies.Choice([[], [variable]], configuredCount: 1))
        }
      } else {
        choices.append(
          SlotTies.Choice(
            (0...own.count).map { Array(own.prefix($0)) },
            configuredCount: place.isTrainable ? nil : 1))
      }
    }
    return .anySelection(
      choices, unknownLayers: openLayers.map { "`\($0)`" }.joined(separator: ", "))
  }

  /// The unknown layers of which a file has shown nothing yet.
  var openLayers: [LayerPath] {
    places.filter { $0.hasUnknownClass && !$0.isTrainingKnown }.map(\.path)
  }

  private func reasonAgainst(ownerOf inner: SlotTies.Owner) -> String {
    let around = openLayers.first { inner.id.layer.names.starts(with: $0.names) }
    guard let around else { return "\(inner.name) is no variable of the architecture" }
    return
      "the class of `\(around)` is unknown and has further objects inside it, `\(inner.id.layer)` first: in"
      + " which order it trains them only its code tells"
  }

  /// What a file shows of its unknown layers, by their paths: how many variables each has, and which of them
  /// have slots. Layers with objects inside are left out.
  ///
  /// - Parameter storedNames: what a whole-model file calls its variables.
  fileprivate func customLayers(
    of entries: [CheckpointEntry], storedNames: [VariableID: String] = [:]
  ) -> [LayerPath: CustomLayer] {
    let open = Set(openLayers)
    guard !open.isEmpty else { return knownLayers }
    var variables: [LayerPath: [VariableID]] = [:]
    var trained: Set<VariableID> = []
    var isProven = true
    for entry in entries {
      switch entry.role {
      case .weight(let id): variables[id.layer, default: []].append(id)
      case .slot(_, let owner, _): trained.insert(owner)
      case .untied: isProven = false
      case .iteration, .learningRate, .lossScale, .other: continue
      }
    }
    isProven = isProven && !trained.isEmpty
    var layers = knownLayers
    for path in open {
      guard
        !variables.keys.contains(where: { $0 != path && $0.names.starts(with: path.names) })
      else { continue }
      let own = (variables[path] ?? []).sorted { $0.index < $1.index }
      layers[path] = CustomLayer(
        own.map {
          VariableSchema(
            numbered: $0.index, isTrainable: trained.contains($0) || !isProven,
            storedName: storedNames[$0])
        }, isTrainingKnown: isProven)
    }
    return layers
  }
}

extension CheckpointManifest {
  /// Lets the model know what the file shows of its layers of unknown classes.
  mutating func learnCustomLayers(
    _ implied: ModelVariables?, _ weights: [WholeModelLayout.NamedWeight] = []
  ) {
    guard let implied else { return }
    let names = weights.map { ($0.id, ownName(ofWeight: $0.storedName)) }
    let layers = implied.customLayers(
      of: entries, storedNames: Dictionary(names) { first, _ in first })
    if !layers.isEmpty { model = model?.knowing(layers) }
  }
}
