import Checkpoints
import KerasConfiguration
import Tensors

/// What the architecture says about how a variable is updated.
struct VariableFacts {
  private let places: [LayerPath: VariablePlace]
  private let layers: [String: LayerEntry]

  init(_ model: ModelConfiguration?) {
    // An architecture that cannot be read tells nothing; then every table may be an embedding.
    let found = model.flatMap { try? $0.places(in: $0.dialect) } ?? []
    places = Dictionary(found.map { ($0.path, $0) }) { first, _ in first }
    layers = Dictionary(model?.layers.map { ($0.name, $0) } ?? []) { first, _ in first }
  }

  /// Whether something besides the optimizer may change the variable after each update.
  func isConstrained(_ id: VariableID) -> Bool {
    layer(id)?.json.contains { key, value in key.hasSuffix("_constraint") && !value.isNull }
      ?? false
  }

  /// Whether its gradients may come as rows, of which one may occur several times in a step: those of
  /// embeddings, and of classes that nobody knows.
  func mayRepeatRows(_ id: VariableID, named name: String, _ shape: Shape) -> Bool {
    guard shape.rank >= 2 else { return false }
    guard let place = places[id.layer], let layer = layer(id) else {
      return name.lowercased().contains("embedding")
    }
    if layer.isModel { return place.className == "Embedding" || place.variables == nil }
    return place.variables == nil
      || layer.json.contains { key, value in
        key == "class_name" && value.string == "Embedding"
      }
  }

  private func layer(_ id: VariableID) -> LayerEntry? {
    places[id.layer].flatMap { layers[$0.topLevelLayer] }
  }
}

extension JSONValue {
  /// Whether a pair of it, or of anything in it, is such.
  fileprivate func contains(_ isSuch: (String, JSONValue) -> Bool) -> Bool {
    switch self {
    case .object(let object):
      object.pairs.contains { isSuch($0.key, $0.value) || $0.value.contains(isSuch) }
    case .array(let elements): elements.contains { $0.contains(isSuch) }
    default: false
    }
  }
}
