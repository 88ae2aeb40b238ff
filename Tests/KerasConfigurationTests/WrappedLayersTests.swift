import KerasConfiguration
import Tensors
import Testing

@Suite("Layers and models inside wrappers") struct WrappedLayersTests {
  @Test("a wrapped model's layers are numbered in a list of their own", arguments: Dialect.allCases)
  func numbering(dialect: Dialect) throws {
    let block = model("block", [dense("p"), dense("q")])
    let places = try model(
      "outer", [dense("first"), each("steps", block), each("lines", dense("r")), dense("last")]
    ).configuration(dialect).places(in: dialect).filter { $0.variables?.isEmpty == false }
    #expect(
      places.map(\.path.description) == [
        "first", "steps/layer/p", "steps/layer/q", "lines/layer", "last",
      ])
    #expect(places.map(\.topLevelLayer) == ["first", "steps", "steps", "lines", "last"])
    let expected =
      dialect == .keras2
      ? [
        "/dense", "/time_distributed/layer/_layer_checkpoint_dependencies/dense",
        "/time_distributed/layer/_layer_checkpoint_dependencies/dense_2",
        "/time_distributed_2/layer", "/dense_2",
      ]
      : [
        "/dense", "/time_distributed/layer/layers/dense",
        "/time_distributed/layer/layers/dense_1", "/time_distributed_1/layer", "/dense_1",
      ]
    #expect(places.map(\.group) == expected.map { dialect.layersGroup + $0 })
  }

  @Test("Keras 2 counts a wrapper once if nothing inside has variables")
  func weightless() throws {
    let flat = model("flat", [layer("Flatten", "f")])
    let outer = model("outer", [each("a", flat), each("b", dense("d")), each("c", dense("e"))])
    let groups = try outer.configuration(.keras2).variables(in: .keras2).map(\.dataset)
    #expect(
      groups == [
        "_layer_checkpoint_dependencies/time_distributed_1/layer/vars/0",
        "_layer_checkpoint_dependencies/time_distributed_1/layer/vars/1",
        "_layer_checkpoint_dependencies/time_distributed_3/layer/vars/0",
        "_layer_checkpoint_dependencies/time_distributed_3/layer/vars/1",
      ])
  }

  @Test("wrappers nest in wrappers and in models that are wrapped")
  func nesting() throws {
    let inner = model("inner", [each("x", model("deep", [dense("d")]))])
    let outer = model("outer", [each("a", each("unnamed", inner))])
    #expect(
      try outer.configuration(.keras3).variables(in: .keras3).map(\.name) == [
        "a/layer/layer/x/layer/d/kernel", "a/layer/layer/x/layer/d/bias",
      ])
    #expect(
      try outer.configuration(.keras3).variables(in: .keras3)[0].dataset
        == "layers/time_distributed/layer/layer/layers/time_distributed/layer/layers/dense/vars/0")
  }

  @Test("a wrapped class that nobody knows is unknown by itself, and the wrapper is not")
  func unknownClass() throws {
    let custom: JSONValue = [
      "class_name": "Scale", "registered_name": "mine>Scale", "config": ["name": "s"],
    ]
    let outer = try model("outer", [each("a", custom), dense("d")]).configuration(.tfKeras)
    let places = try outer.places(in: .tfKeras)
    #expect(places.map(\.path.description) == ["a", "a/layer", "d"])
    #expect(places.map(\.hasUnknownClass) == [false, true, false])
    let known = outer.knowing([
      LayerPath(["a", "layer"]): CustomLayer(
        [VariableSchema(numbered: 0, isTrainable: true)], isTrainingKnown: true)
    ])
    #expect(
      try known.variables(in: .tfKeras).map(\.name) == ["a/layer/#0", "d/kernel", "d/bias"])
  }

  @Test("a wrapper without a layer has no known variables")
  func withoutLayer() throws {
    let outer = try model("outer", [layer("TimeDistributed", "a")]).configuration(.keras3)
    #expect(try outer.places(in: .keras3).map { $0.variables == nil } == [true])
  }

  @Test(
    "what is frozen in a wrapped model stands at the end of the wrapper's weights",
    arguments: Dialect.allCases)
  func frozenInside(dialect: Dialect) throws {
    let block = model("block", [dense("p", isTrainable: false), dense("q")])
    let weights = try model("outer", [each("a", block)]).configuration(dialect).weightsByLayer(
      in: dialect)
    #expect(
      weights[0].variables.map(\.name) == [
        "a/layer/q/kernel", "a/layer/q/bias", "a/layer/p/kernel", "a/layer/p/bias",
      ])
  }

  @Test("a frozen wrapper lists its weights as they were created", arguments: Dialect.allCases)
  func frozenWrapper(dialect: Dialect) throws {
    let block = model("block", [dense("p"), layer("BatchNormalization", "n"), dense("q")])
    let weights = try model("outer", [each("a", block, isTrainable: false)])
      .configuration(dialect).weightsByLayer(in: dialect)
    #expect(
      weights[0].variables.map(\.id.layer.names.last) == ["p", "p", "n", "n", "n", "n", "q", "q"])
  }

  @Test("for Keras 2 a wrapper with something trained inside is not frozen")
  func thawedWrapper() throws {
    let block = model("block", [layer("BatchNormalization", "n"), dense("q")])
    let outer = try model("outer", [each("a", block, isTrainable: false)]).configuration(.keras3)
    let weights = try outer.weightsByLayer(in: .keras2)
    #expect(weights[0].variables.map(\.id.layer.names.last) == ["n", "n", "q", "q", "n", "n"])
  }

  @Test("a frozen owner freezes what is inside it, but not in Keras 3", arguments: Dialect.allCases)
  func frozenOwner(dialect: Dialect) throws {
    func trained(_ owner: JSONValue) throws -> [String] {
      try model("outer", [owner, dense("last")]).configuration(dialect).variables(in: dialect)
        .filter(\.isTrainable).map(\.name)
    }
    let lstm: JSONValue = ["class_name": "LSTM", "config": ["name": "l", "trainable": true]]
    let cell: JSONValue = ["class_name": "LSTMCell", "config": ["name": "c", "trainable": true]]
    let owners = [
      each("o", dense("d"), isTrainable: false),
      model("o", [dense("d")], isTrainable: false),
      layer("Bidirectional", "o", ["layer": lstm, "backward_layer": lstm, "trainable": false]),
      layer("RNN", "o", ["cell": cell, "trainable": false]),
    ]
    for (owner, count) in zip(owners, [2, 2, 6, 3]) {
      #expect(try trained(owner).count == (dialect == .keras3 ? count + 2 : 2))
    }
    // Its own variables it freezes everywhere, and what has no flag of its own.
    #expect(try trained(dense("o", isTrainable: false)) == ["last/kernel", "last/bias"])
    #expect(
      try trained(layer("LSTM", "o", ["trainable": false])) == ["last/kernel", "last/bias"])
    let frozen = model("outer", [each("o", dense("d"))], isTrainable: false)
    #expect(
      try frozen.configuration(dialect).variables(in: dialect).allSatisfy { !$0.isTrainable })
  }

  // MARK: Configurations

  private func layer(_ className: String, _ name: String, _ options: JSONObject = [:]) -> JSONValue
  {
    let named: JSONObject = ["name": .string(name)]
    return [
      "class_name": .string(className), "config": .object(JSONObject(named.pairs + options.pairs)),
    ]
  }

  private func dense(_ name: String, isTrainable: Bool = true) -> JSONValue {
    layer("Dense", name, ["units": 2, "trainable": .bool(isTrainable)])
  }

  private func each(_ name: String, _ inner: JSONValue, isTrainable: Bool = true) -> JSONValue {
    layer("TimeDistributed", name, ["layer": inner, "trainable": .bool(isTrainable)])
  }

  private func model(
    _ name: String, _ layers: [JSONValue], isTrainable: Bool = true
  ) -> JSONValue {
    layer("Sequential", name, ["layers": .array(layers), "trainable": .bool(isTrainable)])
  }
}

extension JSONValue {
  fileprivate func configuration(_ dialect: Dialect) throws -> ModelConfiguration {
    try ModelConfiguration(json: self, dialect: dialect)
  }
}
