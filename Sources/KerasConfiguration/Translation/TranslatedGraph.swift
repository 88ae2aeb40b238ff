/// A tensor of a graph: the output `tensor` of the call `node` of a layer.
struct TensorReference: Hashable {
  var layer: String
  var node: Int
  var tensor: Int

  /// From `["dense", 0, 0]`, with or without more behind it.
  init?(_ json: JSONValue) {
    guard let elements = json.array, elements.count >= 3, let layer = elements[0].string,
      let node = elements[1].int, let tensor = elements[2].int
    else { return nil }
    self.layer = layer
    self.node = node
    self.tensor = tensor
  }

  /// From Keras 3's `__keras_tensor__`.
  init?(kerasTensor json: JSONValue) {
    guard json["class_name"] == "__keras_tensor__", let history = json["config"]?["keras_history"]
    else { return nil }
    self.init(history)
  }

  var json: JSONValue { [.string(layer), JSONValue(node), JSONValue(tensor)] }
}

/// What a translation knows of the tensors of a graph: their shapes and dtypes, by the numbers of the
/// source.
struct TranslatedGraph {
  private let source: Dialect
  /// Models that were built before they were called here: Keras 2 counts that as their first call.
  private let builtModels: Set<String>
  /// Functional models, whose calls Keras 3 counts from 1 where it lists what goes in and out of a model, and
  /// from 0 among the arguments of a call.
  private let functionalModels: Set<String>
  private var signatures: [TensorReference: TensorSignature] = [:]

  init(_ layers: [JSONValue], source: Dialect) {
    self.source = source
    func names(of layers: [JSONValue]) -> Set<String> {
      Set(layers.compactMap { $0["config"]?["name"]?.string })
    }
    builtModels = names(of: layers.filter(Self.isBuiltModel))
    functionalModels = names(of: layers.filter(Self.isFunctional))
  }

  private static func isFunctional(_ layer: JSONValue) -> Bool {
    ["Functional", "Model"].contains(layer["class_name"]?.string ?? "")
  }

  private static func isBuiltModel(_ layer: JSONValue) -> Bool {
    isFunctional(layer)
      || layer["class_name"] == "Sequential"
        && layer["config"]?["layers"]?.array?.first?["class_name"] == "InputLayer"
  }

  /// The number of a layer's first call in files of `dialect`.
  private func firstNode(of layer: String, in dialect: Dialect) -> Int {
    dialect.isKeras2Family && builtModels.contains(layer) ? 1 : 0
  }

  /// The same tensor by the numbers of `dialect`.
  func renumbered(_ reference: TensorReference, for dialect: Dialect) -> TensorReference {
    var renumbered = reference
    renumbered.node +=
      firstNode(of: reference.layer, in: dialect) - firstNode(of: reference.layer, in: source)
    return renumbered
  }

  /// The same for a reference that says what goes in or out of the model.
  func renumberedEnd(_ reference: TensorReference, for dialect: Dialect) -> TensorReference {
    var renumbered = renumbered(argument(ofEnd: reference), for: dialect)
    renumbered.node += endOffset(of: reference.layer, in: dialect)
    return renumbered
  }

  /// A reference that says what goes in or out of the model, as an argument of a call has it.
  func argument(ofEnd reference: TensorReference) -> TensorReference {
    var argument = reference
    argument.node -= endOffset(of: reference.layer, in: source)
    return argument
  }

  private func endOffset(of layer: String, in dialect: Dialect) -> Int {
    dialect == .keras3 && functionalModels.contains(layer) ? 1 : 0
  }

  func signature(of reference: TensorReference) -> TensorSignature {
    signatures[reference] ?? TensorSignature()
  }

  /// Records the outputs of the call with this position among the calls of a layer.
  mutating func record(_ outputs: [TensorSignature], layer: String, call: Int) {
    let node = call + firstNode(of: layer, in: source)
    for (index, signature) in outputs.enumerated() {
      let key: JSONValue = [.string(layer), JSONValue(node), JSONValue(index)]
      if let reference = TensorReference(key) { signatures[reference] = signature }
    }
  }

  /// The references inside a structure of lists and objects, in order.
  func references(in json: JSONValue) -> [TensorReference] {
    if let reference = TensorReference(json) ?? TensorReference(kerasTensor: json) {
      return [reference]
    }
    switch json {
    case .array(let elements): return elements.flatMap(references)
    case .object(let object): return object.pairs.flatMap { references(in: $0.value) }
    default: return []
    }
  }
}
