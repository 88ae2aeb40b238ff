import KerasConfiguration
import Tensors

// MARK: - Which variable a stored name belongs to

extension WholeModelLayout {
  typealias Label = (id: VariableID, name: String)

  /// The identities that the architecture implies; nil when it implies none, another number, or other
  /// names than those stored.
  ///
  /// Keras orders by flags at the time of saving, trainable first, and its configuration does not hold
  /// all of them: Keras 2 forgets that one direction of a Bidirectional is frozen. So where the implied
  /// order contradicts a name, the names decide.
  static func labels(
    of storedNames: [String], impliedBy implied: [ModelVariables.Implied]?
  ) -> [Label]? {
    guard let implied, implied.count == storedNames.count else { return nil }
    var remaining = implied
    if !zip(storedNames, implied).allSatisfy({ $1.fits($0) }) {
      remaining = []
      var candidates = implied
      for storedName in storedNames {
        guard let index = candidates.firstIndex(where: { $0.fits(storedName) }) else { return nil }
        remaining.append(candidates.remove(at: index))
      }
    }
    return remaining.map { ($0.id, $0.id.canonicalName($0.schema.name)) }
  }

  /// Which of a layer's variables were frozen when it was saved, as far as only their order tells.
  ///
  /// Trainable ones come first, each part in the order of creation, so that where the order steps back,
  /// the frozen ones begin. Empty where it never steps back, or more than once.
  static func frozen(
    of labels: [Label], amongCreated implied: [ModelVariables.Implied]?
  ) -> Set<VariableID> {
    guard let implied else { return [] }
    let expected = implied.filter(\.isListedFirst) + implied.filter { !$0.isListedFirst }
    guard labels.map(\.id) != expected.map(\.id) else { return [] }
    let ranks = Dictionary(
      implied.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    let order = labels.compactMap { ranks[$0.id] }
    let steps = order.indices.dropFirst().filter { order[$0] < order[$0 - 1] }
    guard steps.count == 1, order.count == labels.count else { return [] }
    return Set(labels[steps[0]...].map(\.id))
  }

  /// The identities that the stored names suggest.
  ///
  /// - Parameter implied: what the architecture says; nil without one.
  static func labels(
    of storedNames: [String], layer: String?, model: String?, implied: ModelVariables? = nil
  ) -> [Label] {
    var counts: [LayerPath: Int] = [:]
    return storedNames.map { storedName in
      let label = WeightLabel(storedName: storedName, layer: layer, model: model)
      let id = VariableID(layer: label.layer, index: counts[label.layer, default: 0])
      counts[label.layer] = id.index + 1
      let isNumbered = implied?.hasNumberedVariables(label.layer) == true
      return (id, id.canonicalName(isNumbered ? nil : label.name))
    }
  }
}

extension ModelVariables.Implied {
  /// False if a stored name contradicts that it is this variable's.
  fileprivate func fits(_ storedName: String) -> Bool {
    let own = ownName(ofWeight: storedName)
    guard own == schema.name || own == schema.keras2Name else { return false }
    let scopes = storedName.split(separator: "/").dropLast().map(String.init)
    let part = id.layer.names.last
    switch className {
    case "Bidirectional":
      guard let contrary = Self.contraries.first(where: { id.layer.names.contains($0.key) })
      else { return true }
      return !scopes.contains { scope in
        scope.hasPrefix(contrary.value) && !id.layer.names.contains(scope)
      }
    case "MultiHeadAttention":
      guard let scope = scopes.last, Self.projections.contains(scope) else { return true }
      return scope == part
    default: return true
    }
  }

  /// What the scopes of the other direction begin with.
  private static let contraries = ["forward_layer": "backward_", "backward_layer": "forward_"]
  private static let projections: Set = ["query", "key", "value", "output"]
}
