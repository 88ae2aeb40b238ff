/// Spells what is frozen so that the other generation of Keras trains the same variables.
///
/// In Keras 2 a frozen layer freezes everything inside it. Keras 3 makes each layer from a configuration
/// with its own flag, and a frozen owner freezes only the variables that it creates itself (measured with
/// 2.12, tf_keras 2.21 and 3.15).
enum FrozenOwners {
  /// The model with flags that mean in the target what they meant in the source. If all of it is frozen, that
  /// means the same to both.
  static func respelled(_ model: JSONValue, for target: Dialect) -> JSONValue {
    guard model["config"]?["trainable"] != .bool(false) else { return model }
    return target.ownersFreeze ? thawingOwners(model).json : freezingInside(model)
  }

  /// For Keras 3: what is inside a frozen owner is frozen by itself.
  private static func freezingInside(_ json: JSONValue, isFrozen: Bool = false) -> JSONValue {
    guard var configuration = json["config"]?.object else { return json }
    if isFrozen, configuration["trainable"] != nil { configuration["trainable"] = false }
    let isFrozen = isFrozen || configuration["trainable"] == .bool(false)
    if holdsLayers(json) {
      for key in innerKeys {
        configuration[key] = configuration[key]?.mapLayers {
          freezingInside($0, isFrozen: isFrozen)
        }
      }
    }
    return json.replacingConfiguration(configuration)
  }

  /// For Keras 2: an owner is not frozen if anything inside it is trained.
  private static func thawingOwners(_ json: JSONValue) -> (json: JSONValue, isTrained: Bool) {
    guard var configuration = json["config"]?.object else { return (json, false) }
    // An input layer has no flag, and nothing that could be trained.
    guard holdsLayers(json) else { return (json, configuration["trainable"] == .bool(true)) }
    var isTrained = false
    for key in innerKeys {
      configuration[key] = configuration[key]?.mapLayers {
        let inner = thawingOwners($0)
        isTrained = isTrained || inner.isTrained
        return inner.json
      }
    }
    if isTrained, configuration["trainable"] != nil { configuration["trainable"] = true }
    return (json.replacingConfiguration(configuration), isTrained)
  }

  /// Whether the options hold layers with flags of their own. What those of somebody's own class mean, its
  /// code alone tells.
  private static func holdsLayers(_ json: JSONValue) -> Bool {
    guard let className = json["class_name"]?.string, !LayerEntry.isCustomClass(json) else {
      return false
    }
    return ModelConfiguration.modelClassNames.contains(className) || owners.contains(className)
  }

  private static let owners: Set = ["TimeDistributed", "Bidirectional", "RNN", "StackedRNNCells"]

  /// The options under which layers hold others.
  private static let innerKeys = ["layers", "layer", "backward_layer", "cell", "cells"]
}

extension JSONValue {
  /// A layer, or each of a list of them.
  fileprivate func mapLayers(_ transform: (JSONValue) -> JSONValue) -> JSONValue {
    switch self {
    case .array(let elements): .array(elements.map { $0.mapLayers(transform) })
    case .object where self["class_name"]?.string != nil: transform(self)
    default: self
    }
  }

  fileprivate func replacingConfiguration(_ configuration: JSONObject) -> JSONValue {
    guard var object else { return self }
    object["config"] = .object(configuration)
    return .object(object)
  }
}
