import KerasConfiguration
import Testing

@Suite("Optimizer configurations")
struct OptimizerConfigurationTests {
  static let adagradCases = [
    "default", "rate", "rate_0.3", "rate_1", "rate_1e-7", "numbers", "average", "clipnorm",
    "clipvalue", "global_clipnorm", "name", "exponential", "exponential_named", "piecewise",
    "polynomial", "inverse_time", "cosine", "restarts",
  ]

  static let otherCases = [
    "adam", "adam_default", "adam_options", "adamw", "adamw_options", "sgd", "sgd_default",
    "sgd_options", "rmsprop", "rmsprop_options",
  ]

  func optimizer(
    _ name: String, _ container: ConfigurationContainer, _ texts: KerasTexts
  ) throws -> OptimizerEntry {
    let json =
      container == .attribute
      ? try texts.json("optimizer/\(name)/training_config")["optimizer_config"]
      : try texts.json("optimizer/\(name)/compile_config")["optimizer"]
    return OptimizerEntry(json: try #require(json), dialect: texts.dialect)
  }

  @Test(
    "decoding and writing gives Keras's text back", arguments: KerasTexts.all,
    adagradCases + otherCases)
  func roundTrip(texts: KerasTexts, name: String) throws {
    for container in [ConfigurationContainer.attribute, .document] {
      let entry = try optimizer(name, container, texts)
      let decoded = try entry.decoded()
      #expect(decoded.arithmetic == (texts.dialect == .keras3 ? .keras3 : .keras2))
      #expect(try decoded.json(for: texts.dialect, in: container).text == entry.json.text)
    }
  }

  @Test("options of one generation come back too")
  func ownOptions() throws {
    for (texts, names) in [
      (KerasTexts.keras2, ["two_clips"]), (.keras3, ["accumulation", "loss_scale", "warmup"]),
    ] {
      for name in names {
        let entry = try optimizer(name, .attribute, texts)
        #expect(
          try entry.decoded().json(for: texts.dialect, in: .attribute).text == entry.json.text)
      }
    }
  }

  @Test("the two generations' texts mean the same options", arguments: adagradCases)
  func translation(name: String) throws {
    let old = try optimizer(name, .attribute, .keras2)
    let new = try optimizer(name, .document, .keras3)
    var decoded = try old.decoded()
    #expect(try decoded.json(for: .keras3, in: .document).text == new.json.text)
    #expect(try new.decoded().json(for: .keras2, in: .attribute).text == old.json.text)
    decoded.arithmetic = .keras3
    #expect(try decoded == new.decoded())
  }

  @Test("the legacy class is told by its missing key and written back")
  func legacy() throws {
    let cases = ["sgd", "rmsprop", "adam"].flatMap { ["legacy_\($0)", "legacy_\($0)_options"] }
    for name in ["legacy", "legacy_clip"] + cases {
      let entry = try optimizer(name, .attribute, .keras2)
      #expect(entry.isLegacyClass)
      let decoded = try entry.decoded()
      #expect(decoded.arithmetic == .kerasLegacy)
      #expect(try decoded.json(for: .keras2, in: .attribute).text == entry.json.text)
    }
    let decayed = try optimizer("legacy_clip", .attribute, .keras2).decoded()
    #expect(decayed.legacyDecay == 0.01)
    #expect(throws: ConfigurationError.self) { try decayed.json(for: .keras3, in: .document) }
  }

  @Test("a configuration made in Swift is written as Keras writes the same one")
  func swiftMade() throws {
    let made = OptimizerConfiguration(
      rule: .adagrad(), learningRate: .constant(0.05),
      average: .init(isEnabled: true, momentum: 0.9, overwriteFrequency: 3))
    #expect(
      try made.json(for: .keras2, in: .attribute)
        == optimizer("average", .attribute, .keras2).json)
    let schedule = OptimizerConfiguration(
      learningRate: .schedule(
        .init(.exponentialDecay(initialLearningRate: 0.1, decaySteps: 100, decayRate: 0.96))))
    #expect(
      try schedule.json(for: .keras3, in: .document)
        == optimizer("exponential", .document, .keras3).json)
  }

  @Test(
    "the two generations' texts of the other rules mean the same options", arguments: otherCases)
  func translationOfOthers(name: String) throws {
    var old = try optimizer(name, .attribute, .keras2).decoded()
    let new = try optimizer(name, .document, .keras3).decoded()
    // A default of Keras 2's RMSprop that Keras 3 dropped.
    if name == "rmsprop" {
      #expect(old.average.overwriteFrequency == 100)
      old.average.overwriteFrequency = nil
    }
    old.arithmetic = .keras3
    if case .schedule = old.learningRate { old.learningRate = new.learningRate }
    #expect(old == new)
  }

  @Test("the options of each rule are read from their keys")
  func ruleOptions() throws {
    func rule(_ name: String) throws -> OptimizerConfiguration.Rule {
      try optimizer(name, .attribute, .keras3).decoded().rule
    }
    #expect(try rule("sgd") == .sgd(momentum: 0.9))
    #expect(try rule("sgd_options") == .sgd(momentum: 0.5, nesterov: true))
    #expect(
      try rule("rmsprop_options")
        == .rmsprop(rho: 0.8, momentum: 0.5, epsilon: 1e-5, centered: true))
    #expect(
      try rule("adam_options") == .adam(beta1: 0.8, beta2: 0.99, epsilon: 1e-5, amsgrad: true))
    #expect(
      try rule("adamw_options") == .adamW(beta1: 0.8, beta2: 0.99, epsilon: 1e-5, amsgrad: true))
  }

  @Test("missing keys of each rule take Keras's defaults", arguments: Dialect.allCases)
  func defaults(dialect: Dialect) throws {
    func decode(_ className: String) throws -> OptimizerConfiguration {
      var config: JSONObject = [:]
      if dialect != .keras3 { config["is_legacy_optimizer"] = false }
      return try OptimizerEntry(
        json: ["class_name": .string(className), "config": .object(config)], dialect: dialect
      ).decoded()
    }
    #expect(try decode("SGD").learningRate == .constant(0.01))
    #expect(try decode("SGD").rule == .sgd())
    #expect(
      try decode("RMSprop").average.overwriteFrequency == (dialect == .keras3 ? nil : 100))
    #expect(try decode("RMSprop").rule == .rmsprop())
    #expect(try decode("Adam").rule == .adam())
    #expect(try decode("Adam").weightDecay == nil)
    #expect(try decode("AdamW").rule == .adamW())
    #expect(try decode("AdamW").weightDecay == 0.004)
  }

  @Test("what the rules' constructors refuse is refused by its key")
  func ruleRefusals() throws {
    for (className, pairs, key): (String, JSONObject, String) in [
      ("SGD", ["momentum": 1.5], "momentum"), ("SGD", ["momentum": -0.1], "momentum"),
      ("SGD", ["nesterov": 1], "nesterov"), ("SGD", ["rho": 0.9], "rho"),
      ("RMSprop", ["centered": "yes"], "centered"), ("RMSprop", ["beta_1": 0.9], "beta_1"),
      ("Adam", ["beta_1": .null], "beta_1"), ("Adam", ["momentum": 0.9], "momentum"),
      ("AdamW", ["weight_decay": .null], "weight_decay"),
      ("Adam", ["initial_accumulator_value": 0.1], "initial_accumulator_value"),
    ] {
      let entry = OptimizerEntry(
        json: ["class_name": .string(className), "config": .object(pairs)], dialect: .keras3)
      let error = #expect(throws: ConfigurationError.self) { try entry.decoded() }
      #expect(error?.description.contains("`\(key)`") == true, "\(error?.description ?? "")")
    }
    let legacy = OptimizerConfiguration(rule: .adamW(), arithmetic: .kerasLegacy)
    #expect(throws: ConfigurationError.self) { try legacy.json(for: .keras2, in: .attribute) }
  }

  @Test("the three class names of Adagrad are accepted, missing keys take defaults")
  func minimal() throws {
    for className in ["Adagrad", "adagrad", "Custom>Adagrad"] {
      let entry = OptimizerEntry(
        json: [
          "class_name": .string(className), "config": ["is_legacy_optimizer": false],
        ], dialect: .keras2)
      #expect(try entry.decoded() == OptimizerConfiguration())
    }
  }

  @Test("an optimizer of another class stays readable and is refused only when decoded")
  func otherClasses() throws {
    let adadelta = try optimizer("adadelta", .attribute, .keras2)
    #expect(adadelta.className == "Adadelta")
    #expect(adadelta.name == "Adadelta")
    #expect(adadelta.constantLearningRate == Double(Float(0.01)))
    #expect(
      throws: ConfigurationError.unknownClass(
        "Adadelta", object: "optimizer", known: OptimizerEntry.knownClassNames)
    ) { try adadelta.decoded() }
    let wrapped = try optimizer("wrapped", .document, .keras3)
    #expect(wrapped.className == "LossScaleOptimizer")
  }

  @Test("keys and values that Keras refuses are refused by name")
  func refusals() throws {
    func decode(_ pairs: JSONObject, _ dialect: Dialect) throws {
      var config = pairs
      if dialect != .keras3 { config["is_legacy_optimizer"] = false }
      _ = try OptimizerEntry(
        json: ["class_name": "Adagrad", "config": .object(config)], dialect: dialect
      ).decoded()
    }
    for (pairs, dialect, key): (JSONObject, Dialect, String) in [
      (["jit_compile": true], .keras3, "jit_compile"),
      (["gradient_accumulation_steps": 2], .keras2, "gradient_accumulation_steps"),
      (["gradient_accumulation_steps": 1], .keras3, "gradient_accumulation_steps"),
      (["decay": 0.1], .keras2, "decay"), (["lr": 0.1], .keras3, "lr"),
      (["clipnorm": 1.0, "global_clipnorm": 1.0], .keras2, "global_clipnorm"),
      (["clipnorm": 1.0, "clipvalue": 1.0], .keras3, "clipvalue"),
      (["use_ema": true, "ema_momentum": 1.5], .keras2, "ema_momentum"),
      (["learning_rate": "fast"], .keras2, "learning_rate"),
      (["use_ema": 1], .keras3, "use_ema"),
      (
        ["learning_rate": ["class_name": "CosineDecay", "config": ["initial_learning_rate": 1.0]]],
        .keras2, "decay_steps"
      ),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try decode(pairs, dialect) }
      #expect(error?.description.contains("`\(key)`") == true, "\(error?.description ?? "")")
    }
    try decode(["clipnorm": 1.0, "clipvalue": 1.0], .keras2)
    try decode(["ema_momentum": 1.5], .keras2)
  }

  @Test("what a dialect has no place for is not dropped silently")
  func notExpressible() {
    let accumulating = OptimizerConfiguration(gradientAccumulationSteps: 4, arithmetic: .keras3)
    #expect(throws: ConfigurationError.self) {
      try accumulating.json(for: .keras2, in: .attribute)
    }
    let clipped = OptimizerConfiguration(clipping: .init(norm: 1, value: 1))
    #expect(throws: ConfigurationError.self) { try clipped.json(for: .keras3, in: .document) }
    let warm = ScheduleConfiguration(
      .cosineDecay(initialLearningRate: 0.1, decaySteps: 10, warmupTarget: 1.0, warmupSteps: 5))
    #expect(throws: ConfigurationError.self) { try warm.json(for: .keras2) }
    #expect(throws: Never.self) { try warm.json(for: .keras3) }
  }

  @Test("an optimizer that scales its loss has the rate of the one inside, and is no legacy class")
  func lossScale() {
    let entry = OptimizerEntry(
      json: [
        "class_name": "LossScaleOptimizerV3",
        "config": [
          "inner_optimizer": [
            "class_name": "Custom>Adagrad",
            "config": ["learning_rate": 0.25, "is_legacy_optimizer": false],
          ]
        ],
      ], dialect: .keras2)
    #expect(entry.className == "LossScaleOptimizerV3")
    #expect(entry.inner?.className == "Adagrad")
    #expect(entry.constantLearningRate == 0.25)
    #expect(!entry.isLegacyClass)
    #expect(entry.lossScaling == LossScaling())
    #expect(OptimizerEntry(json: ["class_name": "Adagrad"], dialect: .keras2).inner == nil)
  }
}
