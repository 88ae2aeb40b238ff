public import Tensors

/// New names for the layers and models whose names another Keras refuses.
///
/// Keras 3 allows no `/` in a name. Keras 2 makes scopes of TensorFlow of its layers' names, which allow
/// ASCII letters, digits and a few signs alone. Every other sign becomes `_`; a number is added where
/// that name is taken. One name has one new name, wherever in the model it stands.
public struct LayerRenaming: Sendable {
  /// In the order in which the model names them.
  public private(set) var names: [(old: String, new: String)] = []
  /// By the bytes of the old name: Swift takes two spellings of `é` for equal, and Keras does not.
  private var newNames: [[UInt8]: String] = [:]

  /// The names in `model` that `dialect` refuses; none where both are of one generation.
  public init(of model: ModelConfiguration, for dialect: Dialect) {
    guard model.dialect.isKeras2Family != dialect.isKeras2Family else { return }
    var found: [String] = []
    Self.collect(model.json, into: &found)
    var taken = Set(found.map { Array($0.utf8) })
    for name in found where newNames[Array(name.utf8)] == nil {
      guard let legal = Self.legalName(name, in: dialect) else { continue }
      var new = legal
      var count = 0
      while !taken.insert(Array(new.utf8)).inserted {
        count += 1
        new = "\(legal)_\(count)"
      }
      newNames[Array(name.utf8)] = new
      names.append((name, new))
    }
  }

  public var isEmpty: Bool { names.isEmpty }

  /// The name that stands for `name`: itself unless it is refused.
  public subscript(name: String) -> String { newNames[Array(name.utf8)] ?? name }

  public subscript(path: LayerPath) -> LayerPath { LayerPath(path.names.map { self[$0] }) }

  public subscript(id: VariableID) -> VariableID {
    VariableID(layer: self[id.layer], index: id.index)
  }

  /// The reason for each name, as a loss of a translation to `dialect`.
  func losses(in dialect: Dialect) -> [TranslationLoss] {
    let reason =
      dialect == .keras3
      ? "Keras 3 allows no `/` in names" : "\(dialect) allows letters, digits and a few signs alone"
    return names.map { name in
      TranslationLoss(
        object: "layer `\(name.old)`", key: "name", value: .string(name.old),
        reason: "\(reason): `\(name.new)` instead")
    }
  }

  // MARK: Names

  private static func collect(_ json: JSONValue, into names: inout [String]) {
    switch json {
    case .array(let elements):
      for element in elements { collect(element, into: &names) }
    case .object(let object):
      if json["class_name"] != nil, let name = json["config"]?["name"]?.string {
        names.append(name)
      }
      for pair in object.pairs where pair.key != "compile_config" {
        collect(pair.value, into: &names)
      }
    default: break
    }
  }

  /// Nil for a name that is legal already.
  private static func legalName(_ name: String, in dialect: Dialect) -> String? {
    if dialect == .keras3 { return name.contains("/") ? name.replacing("/", with: "_") : nil }
    let isLegal = { (scalar: Unicode.Scalar) in
      isPlain(scalar) || "_.\\/>-".unicodeScalars.contains(scalar)
    }
    let scalars = name.unicodeScalars
    let canBegin = scalars.first.map { isPlain($0) || $0 == "." } ?? false
    guard !canBegin || !scalars.allSatisfy(isLegal) else { return nil }
    var legal = canBegin || scalars.first.map { isLegal($0) } != true ? "" : "layer"
    for scalar in scalars {
      legal.unicodeScalars.append(isLegal(scalar) ? scalar : "_")
    }
    return legal.hasPrefix("_") || legal.isEmpty ? "layer\(legal)" : legal
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
  }
}

extension LayerRenaming {
  /// The object of a model with the new names, also where layers are called: `["name", 0, 0]`.
  func renamed(_ json: JSONValue) -> JSONValue {
    guard !isEmpty else { return json }
    switch json {
    case .array(let elements):
      if elements.count >= 3, let name = elements[0].string, elements[1].int != nil,
        elements[2].int != nil
      {
        return .array([.string(self[name])] + elements.dropFirst().map(renamed))
      }
      return .array(elements.map(renamed))
    case .object(let object):
      return .object(
        JSONObject(
          object.pairs.map { pair in
            switch (pair.key, pair.value) {
            case ("compile_config", _): (pair.key, pair.value)
            case ("name", .string(let name)): (pair.key, .string(self[name]))
            default: (pair.key, renamed(pair.value))
            }
          }))
    default: return json
    }
  }

  /// What training says by the names of outputs.
  public func renamed(_ training: TrainingConfiguration) -> TrainingConfiguration {
    var training = training
    training.loss = withRenamedKeys(training.loss)
    training.metrics = withRenamedKeys(training.metrics)
    training.weightedMetrics = withRenamedKeys(training.weightedMetrics)
    training.lossWeights = withRenamedKeys(training.lossWeights)
    return training
  }

  private func withRenamedKeys(_ json: JSONValue) -> JSONValue {
    guard let object = json.object, object["class_name"] == nil else { return json }
    return .object(JSONObject(object.pairs.map { (self[$0.key], $0.value) }))
  }
}
