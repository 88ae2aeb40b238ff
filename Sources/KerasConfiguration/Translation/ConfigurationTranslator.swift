/// Spells a model of one Keras as another one does. Values in, values out; what the target has no
/// word for is collected in ``losses``.
struct ConfigurationTranslator {
  let source: Dialect
  let target: Dialect
  /// Where the result will stand: attributes leave out the modules of a model's own layers.
  let container: ConfigurationContainer
  /// What did not arrive, in the order in which it was met.
  private(set) var losses: [TranslationLoss] = []
  /// Layers of classes of somebody's own, whose options stayed as they were: object and class.
  private(set) var carried: [String] = []
  /// The layer or model that is being translated, as messages name it.
  var object = "model"

  init(source: Dialect, target: Dialect, container: ConfigurationContainer) {
    self.source = source
    self.target = target
    self.container = container
  }

  /// Whether the options of classes differ at all: not between Keras 2 and `tf_keras`, but for few.
  var changesGeneration: Bool { source.isKeras2Family != target.isKeras2Family }

  /// Notes what does not arrive. Inside one dialect everything does.
  mutating func lose(_ key: String, _ value: JSONValue, _ reason: String) {
    guard source != target else { return }
    losses.append(TranslationLoss(object: object, key: key, value: value, reason: reason))
  }

  /// Notes a class that only its owner's code explains.
  mutating func carry(_ className: String) { carried.append("\(object) of class `\(className)`") }

  // MARK: Frames

  /// What an object stands in.
  enum Frame {
    /// Among the layers of the outermost model.
    case layerOfModel
    /// Among the layers of a model inside another.
    case layerOfNestedModel
    /// Inside a layer's options.
    case option
  }

  /// The whole object of a model: an attribute, or a document without `compile_config`.
  mutating func document(_ json: JSONValue) -> JSONValue {
    let className = json["class_name"]?.string ?? ""
    let model = translatedModel(json, isNested: false)
    guard container == .document else {
      return ["class_name": .string(className), "config": .object(model.configuration)]
    }
    let isGraph = className != "Sequential"
    var document: JSONObject = [
      "module": isGraph ? .string(target.functionalModule) : "keras",
      "class_name": .string(className), "config": .object(model.configuration),
      "registered_name": isGraph ? .string(className) : .null,
    ]
    document["build_config"] = buildConfiguration(of: model, isGraph: isGraph)
    return .object(document)
  }

  /// Keras 3 writes no shape for a graph, whose inputs tell it.
  func buildConfiguration(of model: TranslatedModel, isGraph: Bool) -> JSONValue? {
    if isGraph && target == .keras3 { return ["input_shape": .null] }
    return model.inputs.buildShape.map { ["input_shape": $0] }
  }

  /// Puts an object of a class into the frame that the target gives it there.
  func framed(
    module: JSONValue, className: String, registeredName: JSONValue, _ configuration: JSONValue,
    build: JSONValue?, in frame: Frame
  ) -> JSONObject {
    let isBare =
      switch frame {
      case .option: target == .keras2
      case .layerOfModel: target == .keras2 || container == .attribute
      case .layerOfNestedModel:
        target == .keras2 || (target == .keras3 && container == .attribute)
      }
    if isBare { return ["class_name": .string(className), "config": configuration] }
    var object: JSONObject = [
      "module": module, "class_name": .string(className), "config": configuration,
      "registered_name": registeredName,
    ]
    if let build { object["build_config"] = build }
    return object
  }
}

extension Dialect {
  /// The module that a document names for a Functional model.
  var functionalModule: String {
    switch self {
    case .keras2: "keras.engine.functional"
    case .tfKeras: "tf_keras.src.engine.functional"
    case .keras3: "keras.src.models.functional"
    }
  }
}
