import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

@Suite("Model")
struct ModelTests {
  private static let kinds: [LayerConfiguration.Kind] = [
    .dense(.init(units: 4, activation: .relu)), .batchNormalization(.init()),
    .dropout(.init(rate: 0.5)), .dense(.init(units: 3, usesBias: false)), .activation(.softmax),
  ]

  @Test("layers are named as Keras names them, and variables by their layers")
  func names() throws {
    let model = try Model.sequential(inputShape: [2], Self.kinds)
    #expect(
      model.layers.map(\.configuration.name) == [
        "dense", "batch_normalization", "dropout", "dense_1", "activation",
      ])
    #expect(
      model.variables.map(\.name) == [
        "dense/kernel", "dense/bias", "batch_normalization/gamma", "batch_normalization/beta",
        "batch_normalization/moving_mean", "batch_normalization/moving_variance",
        "dense_1/kernel",
      ])
    #expect(model.trainableVariables == [0, 1, 2, 3, 6])
    #expect(model.variables[3].id == VariableID(layer: ["batch_normalization"], index: 1))
    #expect(model.variables[6].shape == [4, 3])
    #expect(model.outputShape == [nil, 3])
  }

  @Test(
    "a model made in Swift is the same again from its configuration, in either spelling",
    arguments: [Dialect.keras2, .keras3])
  func configuration(dialect: Dialect) throws {
    let model = try Model.sequential(inputShape: [2], Self.kinds, dialect: dialect)
    let text = model.configuration.json.text
    let again = try Model(configuration: ModelConfiguration(parsing: text))
    #expect(again.configuration.dialect == dialect)
    #expect(again.layers.map(\.configuration) == model.layers.map(\.configuration))
    #expect(again.variables.map(\.name) == model.variables.map(\.name))
  }

  @Test(
    "a Sequential of Keras's own JSON has Keras's layers and variables",
    arguments: ["keras-2.12", "keras-3.15"])
  func fromKeras(generation: String) throws {
    let model = try readKerasModel("\(generation)/mlp.h5").model
    #expect(
      model.variables.map(\.name) == [
        "dense/kernel", "dense/bias", "batch_normalization/gamma", "batch_normalization/beta",
        "batch_normalization/moving_mean", "batch_normalization/moving_variance",
        "dense_1/kernel", "dense_1/bias",
      ])
    #expect(model.inputShape == [nil, 20])
    #expect(model.outputShape == [nil, 5])
  }

  @Test("initial variables are a function of the seed and their names")
  func initialVariables() throws {
    let model = try Model.sequential(inputShape: [2], Self.kinds)
    let first = model.initialVariables(seed: 1)
    for (a, b) in zip(first, model.initialVariables(seed: 1)) {
      #expect(a.value.isIdentical(to: b.value))
    }
    #expect(!model.initialVariables(seed: 2)[0].value.isIdentical(to: first[0].value))
    // Glorot's limit sqrt(6 / (2 + 4)) is 1.
    #expect(first[0].value.elements(of: Float.self).allSatisfy { abs($0) <= 1 && $0 != 0 })
    #expect(first[1].value.isIdentical(to: Tensor(zeros: [4])))
    #expect(first[5].value.isIdentical(to: Tensor(repeating: 1, shape: [4])))
  }

  @Test("freezing a layer takes its variables from training and moves no other")
  func freezing() throws {
    let model = try Model.sequential(
      inputShape: [2],
      layers: [
        .init(name: "a", .dense(.init(units: 2))),
        .init(name: "b", isTrainable: false, .dense(.init(units: 2))),
        .init(name: "c", .dense(.init(units: 2))),
      ])
    #expect(model.trainableVariables == [0, 1, 4, 5])
  }

  @Test("predictions do not depend on the batch size, whatever the inputs' number type")
  func predict() throws {
    let model = try Model.sequential(inputShape: [2], [.dense(.init(units: 2, activation: .tanh))])
    let variables = model.initialVariables(seed: 3)
    let inputs = Tensor((0..<14).map { UInt8($0) }, shape: [7, 2])
    let whole = try model.predict(inputs, variables: variables, batchSize: 100)
    #expect(whole.shape == [7, 2])
    #expect(try model.predict(inputs, variables: variables, batchSize: 3).isIdentical(to: whole))
    let floats = inputs.converted(to: .float32)
    #expect(try model.predict(floats, variables: variables).isIdentical(to: whole))
  }
}

@Suite("What a model refuses")
struct ModelErrorTests {
  @Test("a layer class that cannot be trained, by its name")
  func unknownLayer() throws {
    let text = """
      {"class_name": "Sequential", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 4], "name": "i"}},
        {"class_name": "Conv3DTranspose", "config": {"name": "odd", "filters": 3}}]}}
      """
    let error = #expect(throws: TrainingError.self) {
      try Model(configuration: ModelConfiguration(parsing: text))
    }
    let message = try #require(error).description
    #expect(message.contains("odd") && message.contains("Conv3DTranspose"))
  }

  @Test("a configuration without the shape of the input, unless that is given")
  func unknownInput() throws {
    let text = """
      {"class_name": "Sequential", "config": {"name": "m", "layers": [
        {"class_name": "Dense", "config": {"name": "d", "units": 3}}]}}
      """
    let configuration = try ModelConfiguration(parsing: text)
    #expect(throws: TrainingError.self) { try Model(configuration: configuration) }
    let model = try Model(configuration: configuration, inputShape: [5])
    #expect(model.variables[0].shape == [5, 3])
  }

  @Test("a Dense layer whose features are unknown, and a softmax over another axis than the last")
  func impossibleShapes() {
    #expect(throws: TrainingError.self) {
      try Model.sequential(inputShape: [nil], [.dense(.init(units: 1))])
    }
    #expect(throws: TrainingError.self) {
      try Model.sequential(inputShape: [3, 4], [.softmax(axis: 1)])
    }
    #expect(throws: TrainingError.self) { try Model.sequential(inputShape: [3], []) }
  }

  @Test("inputs of another shape, or none")
  func inputs() throws {
    let model = try Model.sequential(inputShape: [2], [.dense(.init(units: 1))])
    let variables = model.initialVariables(seed: 0)
    let error = #expect(throws: TrainingError.self) {
      try model.predict(Tensor(zeros: [4, 3]), variables: variables)
    }
    #expect(error?.description.contains("expected (None, 2), found shape (4, 3)") == true)
    #expect(throws: TrainingError.self) {
      try model.predict(Tensor(zeros: [0, 2]), variables: variables)
    }
    #expect(throws: TrainingError.self) {
      try model.predict(Tensor(zeros: [4, 2]), variables: variables, batchSize: 0)
    }
  }

  @Test("variables of another model")
  func variables() throws {
    let model = try Model.sequential(inputShape: [2], [.dense(.init(units: 1))])
    let other = try Model.sequential(inputShape: [3], [.dense(.init(units: 1))])
    let error = #expect(throws: TrainingError.self) {
      try model.predict(Tensor(zeros: [1, 2]), variables: other.initialVariables(seed: 0))
    }
    #expect(error?.description.contains("dense/kernel should be float32 of shape (2, 1)") == true)
    #expect(throws: TrainingError.self) { try model.predict(Tensor(zeros: [1, 2]), variables: []) }
  }

  @Test("an id outside its table, with the row that holds it", arguments: [5.0, -1, .nan])
  func ids(id: Double) throws {
    let model = try Model.sequential(
      inputShape: [2], [.embedding(.init(inputDimension: 5, outputDimension: 2)), .flatten])
    let inputs = Tensor([0, 4, 1.5, 2, 3, id], shape: [3, 2])
    let error = #expect(throws: TrainingError.self) {
      try model.predict(inputs, variables: model.initialVariables(seed: 0))
    }
    guard case .idOutOfRange(layer: "embedding", row: 2, _, rowCount: 5)? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }
}
