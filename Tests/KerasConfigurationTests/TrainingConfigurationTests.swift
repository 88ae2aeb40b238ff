import KerasConfiguration
import Testing

@Suite("Training configurations")
struct TrainingConfigurationTests {
  @Test("reading and writing gives Keras's text back", arguments: KerasTexts.all)
  func roundTrip(texts: KerasTexts) throws {
    for name in texts.cases("", "training_config") {
      let training = try TrainingConfiguration(parsing: texts[name], dialect: texts.dialect)
      let expected = texts[name].replacingAlias()
      #expect(try training.json(for: texts.dialect, in: .attribute).text == expected, "\(name)")
    }
    for name in texts.cases("optimizer/", "compile_config") {
      let compiled = try texts.json(name)
      let training = try TrainingConfiguration(json: compiled, dialect: texts.dialect)
      #expect(
        try training.json(for: texts.dialect, in: .document).text
          == compiled.text.replacingAlias(), "\(name)")
    }
  }

  @Test("a training made in Swift is written as Keras writes the same one")
  func swiftMade() throws {
    let training = try TrainingConfiguration(
      loss: .init(.sparseCategoricalCrossentropy), metrics: [.init(.accuracy)],
      optimizer: .init(learningRate: .constant(0.05)), dialect: .keras3, container: .attribute)
    #expect(
      try training.json(for: .keras3, in: .attribute).text
        == KerasTexts.keras3["mlp/training_config"])
    for texts in KerasTexts.all {
      let late = try TrainingConfiguration(
        loss: .init(.meanSquaredError), optimizer: .init(learningRate: .constant(0.05)),
        dialect: texts.dialect)
      #expect(
        try late.json(for: texts.dialect, in: .attribute).text
          == texts["late/training_config"].replacingAlias())
    }
  }

  @Test("losses are read by name, alias and object; a short alias is never written")
  func losses() throws {
    for texts in KerasTexts.all {
      func training(_ name: String) throws -> TrainingConfiguration {
        try TrainingConfiguration(
          parsing: texts["optimizer/loss/\(name)/training_config"], dialect: texts.dialect)
      }
      #expect(try training("mse").decodedLoss() == .init(.meanSquaredError))
      #expect(try training("object_mse").decodedLoss() == .init(.meanSquaredError))
      #expect(
        try training("categorical_crossentropy").decodedLoss()
          == .init(.categoricalCrossentropy))
      #expect(
        try training("mse").json(for: .keras3, in: .attribute)["loss"] == "mean_squared_error")
      for (name, key) in [
        ("mae", "mean_absolute_error"), ("object_binary", "label_smoothing"),
        ("object_categorical", "reduction"), ("object_sparse", "ignore_class"),
      ] {
        let error = #expect(throws: ConfigurationError.self) { try training(name).decodedLoss() }
        #expect(
          error?.description.contains(key) == true || name == "mae",
          "\(error?.description ?? "")")
      }
    }
  }

  @Test(
    "a loss from logits is written as Keras writes it",
    arguments: [
      (LossConfiguration.Function.sparseCategoricalCrossentropy, "sparse_logits"),
      (.categoricalCrossentropy, "categorical_logits"), (.binaryCrossentropy, "binary_logits"),
    ])
  func logits(function: LossConfiguration.Function, name: String) throws {
    let loss = LossConfiguration(function, isFromLogits: true)
    for texts in KerasTexts.all {
      let attribute = try texts.json("optimizer/loss/object_\(name)/training_config")["loss"]
      let document = try texts.json("optimizer/loss/object_\(name)/compile_config")
      #expect(loss.json(for: texts.dialect, in: .attribute).text == attribute?.text)
      #expect(loss.json(for: texts.dialect, in: .document).text == document["loss"]?.text)
      #expect(try LossConfiguration(json: #require(attribute)) == loss)
      #expect(try LossConfiguration(json: #require(document["loss"])) == loss)
    }
  }

  @Test("a metric with a name of its own is written as Keras writes it")
  func namedMetrics() throws {
    let metrics = [
      MetricConfiguration(.meanSquaredError, name: "m"),
      .init(.sparseCategoricalAccuracy, name: "s"),
    ]
    for texts in KerasTexts.all {
      let json = try texts.json("optimizer/named_metrics/training_config")
      let training = try TrainingConfiguration(json: json, dialect: texts.dialect)
      #expect(try training.decodedMetrics() == metrics)
      guard let written = json["metrics"]?.array else { return }
      let list = written.count == 1 ? written[0].array! : written
      for (metric, written) in zip(metrics, list) {
        #expect(try metric.json(for: texts.dialect, in: .attribute).text == written.text)
      }
    }
  }

  @Test("metrics are read by name, alias, wrapper and class")
  func metrics() throws {
    for texts in KerasTexts.all {
      let training = try TrainingConfiguration(
        parsing: texts["text/training_config"], dialect: texts.dialect)
      let metrics = try training.decodedMetrics()
      #expect(metrics.map(\.name) == ["accuracy", "mse"])
      #expect(metrics[1].function == .meanSquaredError)
      let accuracies = try TrainingConfiguration(
        parsing: texts["optimizer/accuracies/training_config"], dialect: texts.dialect)
      #expect(
        try accuracies.decodedMetrics().map(\.name) == ["acc", "accuracy", "binary_accuracy"])
      let mixed = try TrainingConfiguration(
        parsing: texts["optimizer/metrics/training_config"], dialect: texts.dialect)
      #expect(throws: ConfigurationError.self) { try mixed.decodedMetrics() }
      #expect(throws: ConfigurationError.self) { try mixed.decodedLoss() }
    }
  }

  @Test("losses and metrics of any class are written as the other generation writes them")
  func translation() throws {
    let cases = KerasTexts.keras2.cases("optimizer/loss/", "config.json")
    #expect(cases.count > 5)
    for name in cases {
      let old = try KerasTexts.keras2.json(name)["compile_config"]
      let new = try KerasTexts.keras3.json(name)["compile_config"]
      for (source, target, from, to) in [
        (Dialect.keras2, Dialect.keras3, old, new), (.keras3, .keras2, new, old),
      ] {
        let training = try TrainingConfiguration(json: #require(from), dialect: source)
        let (translated, losses) = training.translation(to: target, in: .document)
        #expect(losses.isEmpty)
        let expected = try #require(to?["loss"])
        let long = expected.string.map { LossConfiguration.aliases[$0] ?? $0 }
        #expect(translated.loss.text == (long.map { .string($0) } ?? expected).text, "\(name)")
      }
    }
    let training = try TrainingConfiguration(
      json: [
        "loss": ["a": "mse", "b": ["class_name": "mine>Loss", "config": [:]]],
        "metrics": [[["class_name": "AUC", "config": ["name": "auc"]]]],
      ], dialect: .keras2)
    let (translated, losses) = training.translation(to: .keras3, in: .attribute)
    #expect(losses.map(\.key) == ["loss"])
    #expect(translated.loss == ["a": "mean_squared_error"])
    #expect(translated.metrics == [["class_name": "AUC", "config": ["name": "auc"]]])
    #expect(throws: ConfigurationError.self) { try training.json(for: .keras3, in: .attribute) }
  }

  @Test("an optimizer that scales its loss is spelled as each generation spells it")
  func lossScaling() throws {
    let new = try KerasTexts.keras3.json("optimizer/wrapped/training_config")
    let training = try TrainingConfiguration(json: new, dialect: .keras3)
    let old = try training.json(for: .keras2, in: .attribute)["optimizer_config"]
    #expect(old?["class_name"] == "LossScaleOptimizerV3")
    #expect(
      old?["config"]?.object?.keys == [
        "inner_optimizer", "dynamic", "initial_scale", "dynamic_growth_steps",
      ])
    #expect(old?["config"]?["inner_optimizer"]?["class_name"] == "Custom>Adagrad")
    let back = try TrainingConfiguration(
      json: ["optimizer_config": #require(old)], dialect: .keras2)
    #expect(
      try back.json(for: .keras3, in: .attribute)["optimizer_config"]?.text
        == new["optimizer_config"]?.text)
    // Keras puts it around the optimizer of an archive by itself.
    let archived = try back.json(for: .keras3, in: .document)["optimizer"]
    #expect(archived?["class_name"] == "Adagrad")
  }

  @Test("keys of a stranger are kept for the dialect that had them")
  func otherKeys() throws {
    let text = KerasTexts.keras3["late/training_config"].dropLast() + ", \"mine\": [1]}"
    let training = try TrainingConfiguration(parsing: String(text), dialect: .keras3)
    #expect(
      try training.json(for: .keras3, in: .attribute).text == String(text).replacingAlias())
    #expect(throws: ConfigurationError.self) { try training.json(for: .keras2, in: .attribute) }
  }
}

extension String {
  /// Cairn writes the long name of a loss, since Keras 3 cannot load the short one.
  func replacingAlias() -> String {
    replacing("\"loss\": \"mse\"", with: "\"loss\": \"mean_squared_error\"")
      .replacing("\"loss\": \"mae\"", with: "\"loss\": \"mean_absolute_error\"")
  }
}
