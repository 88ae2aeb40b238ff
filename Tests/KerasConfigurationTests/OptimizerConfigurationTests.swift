import KerasConfiguration
import Testing

@Suite("Optimizer configurations")
struct OptimizerConfigurationTests {
  static let adagradCases = [
    "default", "rate", "rate_0.3", "rate_1", "rate_1e-7", "numbers", "average", "clipnorm",
    "clipvalue", "global_clipnorm", "name", "exponential", "exponential_named", "piecewise",
    "polynomial", "inverse_time", "cosine", "restarts",
  ]

  func optimizer(
    _ name: String, _ container: ConfigurationContainer, _ texts: KerasTexts
  ) throws -> OptimizerEntry {
    let json =
      container == .attribute
      ? try texts.json("optimizer/\(name)/training_config")["optimizer_config"]
      : try texts.json("optimizer/\(name)/config.json")["compile_config"]?["optimizer"]
    return OptimizerEntry(json: try #require(json), dialect: texts.dialect)
  }

  @Test("decoding and writing gives Keras's text back", arguments: KerasTexts.all, adagradCases)
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
    for name in ["legacy", "legacy_clip"] {
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
    let adam = try optimizer("adam", .attribute, .keras2)
    #expect(adam.className == "Adam")
    #expect(adam.name == "Adam")
    #expect(adam.constantLearningRate == Double(Float(0.01)))
    #expect(
      throws: ConfigurationError.unknownClass(
        "Adam", object: "optimizer", known: OptimizerEntry.knownClassNames)
    ) { try adam.decoded() }
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
      (["lr": 0.1], .keras2, "lr"),
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
    #expect(OptimizerEntry(json: ["class_name": "Adagrad"], dialect: .keras2).inner == nil)
  }
}
