import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Layer schemas and names")
struct LayerSchemaTests {
  static let families = [
    "dense_family", "convolutions", "volumes", "sequences", "movies", "attention", "nested",
  ]

  @Test(
    "variables, their order and their datasets are those of Keras's files",
    arguments: KerasTexts.all, families)
  func files(texts: KerasTexts, family: String) throws {
    let model = try ModelConfiguration(
      parsing: texts["\(family)/config.json"], dialect: texts.dialect)
    let names = try #require(try texts.json("\(family)/names").object)
    let layers = try model.weightsByLayer(in: model.dialect)
    #expect(layers.map(\.layer) == names.keys)
    for (layer, variables) in layers {
      let written = names[layer]!.array!.map { ownName(ofWeight: $0.string!) }
      let expected = variables.map { variable in
        texts.dialect == .keras3
          ? variable.schema.name : variable.schema.keras2Name ?? variable.schema.name
      }
      #expect(written == expected, "\(layer)")
    }
    let tree = try #require(try texts.json("\(family)/tree").object)
    let places = try model.places(in: texts.dialect)
    for place in places {
      #expect(
        tree["\(place.group)/vars"]?.int == place.variables?.count, "\(place.group)")
    }
    let total = tree.pairs.filter { !$0.key.hasPrefix("optimizer") }.reduce(0) {
      $0 + $1.value.int!
    }
    #expect(places.reduce(0) { $0 + ($1.variables?.count ?? 0) } == total)
  }

  @Test("paths and canonical names do not depend on the dialect", arguments: families)
  func dialectIndependence(family: String) throws {
    let old = try ModelConfiguration(
      parsing: KerasTexts.keras2["\(family)/config.json"], dialect: .keras2)
    let new = try ModelConfiguration(
      parsing: KerasTexts.keras3["\(family)/config.json"], dialect: .keras3)
    let names = try old.variables(in: .keras2).map(\.name)
    #expect(try names == new.variables(in: .keras3).map(\.name))
    #expect(Set(names).count == names.count)
    #expect(
      try old.variables(in: .keras3).map(\.dataset) == new.variables(in: .keras3).map(\.dataset))
  }

  @Test("canonical names lead from the outermost layer to the variable")
  func canonicalNames() throws {
    let nested = try ModelConfiguration(parsing: KerasTexts.keras3["nested/config.json"])
    #expect(
      try nested.variables(in: .keras3).map(\.name) == [
        "dense_2/kernel", "dense_2/bias", "inner/dense/kernel", "inner/dense/bias",
        "inner/dense_1/kernel", "inner/dense_1/bias", "dense_3/kernel", "dense_3/bias",
      ])
    #expect(VariableID(layer: ["a/b", "c"], index: 2).canonicalName("kernel") == "a\\/b/c/kernel")
    #expect(VariableID(layer: ["mine"], index: 0).canonicalName(nil) == "mine/#0")
    #expect(VariableID(layer: [], index: 1).canonicalName("gain") == "gain")
    #expect(canonicalSlotName("accumulator", of: "dense/kernel") == "accumulator/dense/kernel")
    #expect(ownName(ofWeight: "dense/kernel:0") == "kernel")
    #expect(ownName(ofWeight: "sequential/dense/kernel") == "kernel")
    #expect(ownName(ofWeight: "mean:0") == "mean")
    #expect(ownName(ofWeight: "odd:name") == "odd:name")
  }

  @Test("freezing moves a nested layer's weights behind the others and shifts no slot")
  func freezing() throws {
    let text = KerasTexts.keras2["nested/model_config"].replacing(
      #""name": "dense", "trainable": true"#, with: #""name": "dense", "trainable": false"#)
    let model = try ModelConfiguration(parsing: text)
    let inner = try #require(
      try model.weightsByLayer(in: model.dialect).first { $0.layer == "inner" })
    #expect(
      inner.variables.map(\.name) == [
        "inner/dense_1/kernel", "inner/dense_1/bias", "inner/dense/kernel", "inner/dense/bias",
      ])
    #expect(
      try model.variables(in: .keras2).filter(\.isTrainable).map(\.name) == [
        "dense_2/kernel", "dense_2/bias", "inner/dense_1/kernel", "inner/dense_1/bias",
        "dense_3/kernel", "dense_3/bias",
      ])
  }

  @Test("a layer of unknown class is a place without variables")
  func unknownClass() throws {
    let text = KerasTexts.keras3["mlp/model_config"].replacing(
      #""class_name": "Dense", "config": {"name": "dense_1""#,
      with: #""class_name": "Mine", "config": {"name": "dense_1""#)
    let model = try ModelConfiguration(parsing: text)
    let places = try model.places(in: .keras3)
    #expect(places.map(\.group) == ["layers/dense", "layers/mine"])
    #expect(places.map(\.variables?.count) == [2, nil])
    let error = #expect(throws: ConfigurationError.self) { try model.variables(in: .keras3) }
    #expect(error?.description.contains("`Mine`") == true)
  }

  @Test("somebody's own class is not taken for Keras's of the same name")
  func customClass() throws {
    let entry = try LayerEntry(
      json: [
        "module": "mine", "class_name": "Dense", "config": ["name": "d", "units": 2],
        "registered_name": "mine>Dense",
      ])
    #expect(entry.schema(in: .keras3) == nil)
    let error = #expect(throws: ConfigurationError.self) { try entry.decoded() }
    #expect(error?.description.contains("`mine>Dense`") == true)
  }

  @Test("layers that draw random numbers have no variables: their generators are not saved")
  func randomLayers() throws {
    for name in [
      "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomHeight",
      "RandomRotation", "RandomTranslation", "RandomWidth", "RandomZoom",
    ] {
      #expect(schema(name, ["name": "r", "seed": 1])?.variableCount == 0, "\(name)")
    }
    // A model around one is known like any other.
    let model = try ModelConfiguration(
      parsing: #"""
        {"class_name": "Sequential", "config": {"name": "m", "layers": [
          {"class_name": "RandomFlip", "config": {"name": "flip"}},
          {"class_name": "Dense", "config": {"name": "d", "units": 1}}]}}
        """#)
    #expect(try model.variables(in: .keras2).map(\.name) == ["d/kernel", "d/bias"])
  }

  @Test("a hostile nesting of models and wrappers ends at once", .timeLimit(.minutes(1)))
  func hostileNesting() throws {
    var model = #"{"class_name": "Dense", "config": {"name": "d"}}"#
    var wrapper = #"{"class_name": "LSTM", "config": {"name": "l"}}"#
    for level in 0..<100 {
      model =
        #"{"class_name": "Sequential", "config": {"name": "m\#(level)", "layers": [\#(model)]}}"#
      wrapper =
        #"{"class_name": "Bidirectional", "config": {"name": "b", "layer": \#(wrapper)}}"#
    }
    let nested = try ModelConfiguration(parsing: model)
    #expect(try nested.variables(in: .keras2).count == 2)
    #expect(try LayerEntry(json: JSONValue(parsing: wrapper)).schema(in: .keras2) == nil)
  }

  @Test(
    "class names become snake case as Keras makes them",
    arguments: [
      ("Conv2D", "conv2d"), ("Conv2DTranspose", "conv2d_transpose"),
      ("SeparableConv2D", "separable_conv2d"), ("LSTM", "lstm"), ("GRU", "gru"),
      ("ConvLSTM2D", "conv_lstm2d"), ("ReLU", "re_lu"), ("PReLU", "p_re_lu"),
      ("InputLayer", "input_layer"), ("MultiHeadAttention", "multi_head_attention"),
      ("RMSNormalization", "rms_normalization"), ("TFOpLambda", "tf_op_lambda"),
      ("MyABCLayer", "my_abc_layer"), ("Dense", "dense"), ("ELU", "elu"),
      ("GlobalAveragePooling1D", "global_average_pooling1d"), ("ÜberX", "über_x"),
      ("ÉcoleÉté", "écoleété"), ("e\u{301}Ab", "e_ab"), ("Größe 2D", "größe2d"), ("Ⅷx", "ⅷx"),
    ])
  func snakeCases(className: String, expected: String) {
    #expect(snakeCase(className) == expected)
  }

  @Test("Keras 2 alone marks private names and counts weighted layers twice")
  func keras2Numbering() {
    #expect(snakeCase("_Hidden", in: .keras2) == "private__hidden")
    #expect(snakeCase("_Hidden", in: .keras3) == "__hidden")
    var old = ElementNumbering(layersIn: .keras2)
    var new = ElementNumbering(layersIn: .keras3)
    let list = [
      ("Dense", true), ("Dropout", false), ("Dense", true), ("Dropout", false), ("Dense", true),
    ]
    #expect(
      list.map { old.name(ofClass: $0.0, hasVariables: $0.1) }
        == ["dense", "dropout", "dense_2", "dropout_1", "dense_4"])
    #expect(
      list.map { new.name(ofClass: $0.0, hasVariables: $0.1) }
        == ["dense", "dropout", "dense_1", "dropout_1", "dense_2"])
  }

  @Test("without configuration, variables are named only where the count leaves no choice")
  func guesses() {
    func names(_ group: String, _ count: Int) -> [String]? {
      LayerSchema.guessedVariables(group: group, count: count)?.map(\.name)
    }
    #expect(names("layers/dense_12", 2) == ["kernel", "bias"])
    #expect(names("layers/dense", 1) == ["kernel"])
    #expect(names("layers/dense", 3) == nil)
    #expect(names("layers/conv2d_1", 2) == ["kernel", "bias"])
    #expect(names("layers/embedding", 1) == ["embeddings"])
    #expect(
      names("layers/batch_normalization", 4)
        == ["gamma", "beta", "moving_mean", "moving_variance"])
    #expect(names("layers/batch_normalization", 3) == nil)
    #expect(names("layers/batch_normalization", 2) == ["moving_mean", "moving_variance"])
    #expect(names("layers/layer_normalization", 1) == nil)
    #expect(names("layers/lstm/cell", 3) == ["kernel", "recurrent_kernel", "bias"])
    #expect(names("layers/mine/cell", 3) == nil)
    #expect(
      names("layers/multi_head_attention/query_dense", 2) == ["kernel", "bias"])
    #expect(names("layers/dropout", 0) == [])
    #expect(names("layers/mine", 2) == nil)
    #expect(names("layers/mine", 0) == nil)
  }

  private func schema(
    _ className: String, _ configuration: JSONObject, _ dialect: Dialect = .keras3
  ) -> LayerSchema? {
    LayerSchema(className: className, configuration: configuration, dialect: dialect)
  }

  @Test("what is frozen inside a layer is frozen in its places")
  func frozenInside() throws {
    func lstm(_ isTrainable: Bool) -> JSONValue {
      ["class_name": "LSTM", "config": ["name": "l", "trainable": .bool(isTrainable), "units": 2]]
    }
    let one = try #require(
      schema("Bidirectional", ["layer": lstm(false), "backward_layer": lstm(true)]))
    #expect(one.children.map(\.isTrainable) == [false, true])
    // A backward layer that is not given is made from the forward one.
    let both = try #require(schema("Bidirectional", ["layer": lstm(false)]))
    #expect(both.children.map(\.isTrainable) == [false, false])
    let model = try ModelConfiguration(sequential: [
      [
        "class_name": "Bidirectional",
        "config": ["name": "both", "layer": lstm(false), "backward_layer": lstm(true)],
      ]
    ])
    #expect(
      try model.variables(in: .keras3).filter(\.isTrainable).map(\.name) == [
        "both/backward_layer/cell/kernel", "both/backward_layer/cell/recurrent_kernel",
        "both/backward_layer/cell/bias",
      ])
  }

  @Test("an int8 Dense has a kernel and a scale that are not trained")
  func quantized() throws {
    let policy: JSONValue = ["class_name": "QuantizedDTypePolicy", "config": ["mode": "int8"]]
    let dense = try #require(schema("Dense", ["dtype": policy, "quantization_config": [:]]))
    #expect(dense.variables.map(\.name) == ["kernel", "bias", "kernel_scale"])
    #expect(dense.variables.map(\.isTrainable) == [false, true, false])
    let other: JSONValue = ["class_name": "QuantizedDTypePolicy", "config": ["mode": "int4"]]
    #expect(schema("Dense", ["dtype": other, "quantization_config": [:]]) == nil)
  }

  @Test("plain operations of Keras 3 have no variables")
  func operations() throws {
    let operation = try LayerEntry(json: [
      "module": "keras.src.ops.numpy", "class_name": "GetItem", "config": ["name": "get_item"],
    ])
    #expect(operation.schema(in: .keras3)?.variableCount == 0)
    #expect(schema("StringLookup", [:])?.variableCount == 0)
  }
}
