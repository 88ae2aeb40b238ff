/// A learning-rate schedule, by Keras's six classes. Numbers keep the text that they were given in,
/// since Keras writes schedule parameters as given.
///
/// The values of a schedule are computed elsewhere; this knows names and spelling only.
public struct ScheduleConfiguration: Sendable, Hashable {
  /// Nil stands for the dialect's default: `null` in Keras 2, the class's own name in Keras 3.
  public var name: String?
  /// The class and its parameters.
  public var kind: Kind

  public init(_ kind: Kind, name: String? = nil) {
    self.kind = kind
    self.name = name
  }

  public enum Kind: Sendable, Hashable {
    case exponentialDecay(
      initialLearningRate: JSONNumber, decaySteps: JSONNumber, decayRate: JSONNumber,
      isStaircase: Bool = false)
    /// `values` has one element more than `boundaries`.
    case piecewiseConstantDecay(boundaries: [JSONNumber], values: [JSONNumber])
    case polynomialDecay(
      initialLearningRate: JSONNumber, decaySteps: JSONNumber,
      endLearningRate: JSONNumber = 0.0001, power: JSONNumber = 1.0, cycles: Bool = false)
    case inverseTimeDecay(
      initialLearningRate: JSONNumber, decaySteps: JSONNumber, decayRate: JSONNumber,
      isStaircase: Bool = false)
    /// Warmup is unknown to Keras 2.12.
    case cosineDecay(
      initialLearningRate: JSONNumber, decaySteps: JSONNumber, alpha: JSONNumber = 0.0,
      warmupTarget: JSONNumber? = nil, warmupSteps: JSONNumber = 0)
    case cosineDecayRestarts(
      initialLearningRate: JSONNumber, firstDecaySteps: JSONNumber, tMul: JSONNumber = 2.0,
      mMul: JSONNumber = 1.0, alpha: JSONNumber = 0.0)
  }

  /// Keras's class name, such as `ExponentialDecay`.
  public var className: String {
    switch kind {
    case .exponentialDecay: "ExponentialDecay"
    case .piecewiseConstantDecay: "PiecewiseConstantDecay"
    case .polynomialDecay: "PolynomialDecay"
    case .inverseTimeDecay: "InverseTimeDecay"
    case .cosineDecay: "CosineDecay"
    case .cosineDecayRestarts: "CosineDecayRestarts"
    }
  }

  static let classNames = [
    "ExponentialDecay", "PiecewiseConstantDecay", "PolynomialDecay", "InverseTimeDecay",
    "CosineDecay", "CosineDecayRestarts",
  ]

  /// The name that Keras 3 gives where none was given.
  private var keras3DefaultName: String {
    switch kind {
    case .piecewiseConstantDecay: "PiecewiseConstant"
    case .cosineDecayRestarts: "SGDRDecay"
    default: className
    }
  }
}

// MARK: - Reading

extension ScheduleConfiguration {
  /// From the object that stands in an optimizer's `learning_rate`, in any dialect. Throws for an
  /// unknown class, an unknown key, a missing one without default, and lists of wrong lengths.
  public init(json: JSONValue) throws(ConfigurationError) {
    let serialized = try SerializedObject(json, key: "learning_rate", object: "optimizer")
    let object = "schedule `\(serialized.className)`"
    var reader = ConfigurationReader(serialized.configuration, object: object)
    func initialRate(_ reader: inout ConfigurationReader) throws(ConfigurationError) -> JSONNumber {
      try reader.number("initial_learning_rate")
    }
    switch serialized.className {
    case "ExponentialDecay":
      kind = .exponentialDecay(
        initialLearningRate: try initialRate(&reader),
        decaySteps: try reader.number("decay_steps"),
        decayRate: try reader.number("decay_rate"),
        isStaircase: try reader.bool("staircase", default: false))
    case "InverseTimeDecay":
      kind = .inverseTimeDecay(
        initialLearningRate: try initialRate(&reader),
        decaySteps: try reader.number("decay_steps"),
        decayRate: try reader.number("decay_rate"),
        isStaircase: try reader.bool("staircase", default: false))
    case "PiecewiseConstantDecay":
      let boundaries = try reader.numbers("boundaries")
      let values = try reader.numbers("values")
      guard values.count == boundaries.count + 1 else {
        throw reader.unexpected("values", "\(boundaries.count + 1) numbers, one per interval")
      }
      kind = .piecewiseConstantDecay(boundaries: boundaries, values: values)
    case "PolynomialDecay":
      kind = .polynomialDecay(
        initialLearningRate: try initialRate(&reader),
        decaySteps: try reader.number("decay_steps"),
        endLearningRate: try reader.number("end_learning_rate", default: 0.0001),
        power: try reader.number("power", default: 1.0),
        cycles: try reader.bool("cycle", default: false))
    case "CosineDecay":
      kind = .cosineDecay(
        initialLearningRate: try initialRate(&reader),
        decaySteps: try reader.number("decay_steps"),
        alpha: try reader.number("alpha", default: 0.0),
        warmupTarget: try reader.optionalNumber("warmup_target"),
        warmupSteps: try reader.number("warmup_steps", default: 0))
    case "CosineDecayRestarts":
      kind = .cosineDecayRestarts(
        initialLearningRate: try initialRate(&reader),
        firstDecaySteps: try reader.number("first_decay_steps"),
        tMul: try reader.number("t_mul", default: 2.0),
        mMul: try reader.number("m_mul", default: 1.0),
        alpha: try reader.number("alpha", default: 0.0))
    default:
      throw .unknownClass(
        serialized.className, object: "learning rate", known: Self.classNames)
    }
    name = try reader.optionalString("name")
    try reader.finish()
    if name == keras3DefaultName { name = nil }
  }
}

extension ConfigurationReader {
  mutating func numbers(_ key: String) throws(ConfigurationError) -> [JSONNumber] {
    guard let found = value(key) else { throw .missingKey(key, object: object) }
    guard let elements = found.array else { throw unexpected(key, "a list of numbers") }
    let numbers = elements.compactMap(\.number)
    guard numbers.count == elements.count else { throw unexpected(key, "a list of numbers") }
    return numbers
  }
}

// MARK: - Writing

extension ScheduleConfiguration {
  /// The object that `dialect` writes, keys in its order. Throws where Keras 2.12 has no place for
  /// a warmup.
  public func json(for dialect: Dialect) throws(ConfigurationError) -> JSONValue {
    let config = JSONValue.object(try configuration(for: dialect))
    if dialect == .keras2 {
      return ["class_name": .string(className), "config": config]
    }
    return [
      "module": "keras.optimizers.schedules", "class_name": .string(className), "config": config,
      "registered_name": .null,
    ]
  }

  private func configuration(for dialect: Dialect) throws(ConfigurationError) -> JSONObject {
    let name = JSONValue(self.name ?? (dialect == .keras3 ? keras3DefaultName : nil))
    switch kind {
    case .exponentialDecay(let initial, let steps, let rate, let isStaircase),
      .inverseTimeDecay(let initial, let steps, let rate, let isStaircase):
      return [
        "initial_learning_rate": .number(initial), "decay_steps": .number(steps),
        "decay_rate": .number(rate), "staircase": .bool(isStaircase), "name": name,
      ]
    case .piecewiseConstantDecay(let boundaries, let values):
      return [
        "boundaries": .array(boundaries.map { .number($0) }),
        "values": .array(values.map { .number($0) }), "name": name,
      ]
    case .polynomialDecay(let initial, let steps, let end, let power, let cycles):
      return [
        "initial_learning_rate": .number(initial), "decay_steps": .number(steps),
        "end_learning_rate": .number(end), "power": .number(power), "cycle": .bool(cycles),
        "name": name,
      ]
    case .cosineDecay(let initial, let steps, let alpha, let target, let warmupSteps):
      var object: JSONObject = [
        "initial_learning_rate": .number(initial), "decay_steps": .number(steps),
        "alpha": .number(alpha), "name": name,
      ]
      if dialect != .keras2 {
        object["warmup_target"] = target.map { .number($0) } ?? .null
        object["warmup_steps"] = .number(warmupSteps)
      } else if target != nil || warmupSteps.double != 0 {
        throw .notExpressible(
          key: target != nil ? "warmup_target" : "warmup_steps", object: "schedule `CosineDecay`",
          dialect: dialect, cure: "write for Keras 3 or tf_keras, or drop the warmup")
      }
      return object
    case .cosineDecayRestarts(let initial, let steps, let tMul, let mMul, let alpha):
      return [
        "initial_learning_rate": .number(initial), "first_decay_steps": .number(steps),
        "t_mul": .number(tMul), "m_mul": .number(mMul), "alpha": .number(alpha), "name": name,
      ]
    }
  }
}
