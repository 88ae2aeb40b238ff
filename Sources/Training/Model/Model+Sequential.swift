public import KerasConfiguration
public import Tensors

extension Model {
  /// A chain of layers, which get the names that Keras would give them in a fresh process: `dense`,
  /// `dense_1`, `batch_normalization`.
  ///
  /// - Parameters:
  ///   - name: the model's name.
  ///   - inputShape: the shape of one row of the input, without the batch; nil where any extent will do.
  ///   - inputDType: the input's dtype in the configuration; any number type is accepted as input.
  ///   - kinds: the layers, first to last.
  ///   - dialect: whose spelling ``configuration`` is.
  ///
  /// Throws what ``init(configuration:inputShape:)`` throws.
  public static func sequential(
    named name: String = "sequential", inputShape: [Int?], inputDType: DType = .float32,
    _ kinds: [LayerConfiguration.Kind], dialect: Dialect = .keras2
  ) throws(TrainingError) -> Model {
    var counts: [String: Int] = [:]
    let layers = kinds.map { kind in
      let base = LayerConfiguration(name: "", kind).automaticName
      let count = counts[base, default: 0]
      counts[base] = count + 1
      return LayerConfiguration(name: count == 0 ? base : "\(base)_\(count)", kind)
    }
    return try sequential(
      named: name, inputShape: inputShape, inputDType: inputDType, layers: layers,
      dialect: dialect)
  }

  /// A chain of layers with names and flags of their own; otherwise as
  /// ``sequential(named:inputShape:inputDType:_:dialect:)``.
  public static func sequential(
    named name: String = "sequential", inputShape: [Int?], inputDType: DType = .float32,
    layers: [LayerConfiguration], dialect: Dialect = .keras2
  ) throws(TrainingError) -> Model {
    let input = LayerConfiguration(
      name: dialect == .keras3 ? "input_layer" : "input_1",
      .input(.init(batchShape: [nil] + inputShape, dtype: inputDType)))
    let configuration: ModelConfiguration
    do throws(ConfigurationError) {
      configuration = try ModelConfiguration(
        sequential: name, layers: [input] + layers, dialect: dialect)
    } catch { throw .configuration(error) }
    return try Model(configuration: configuration)
  }
}

extension LayerConfiguration {
  /// Keras's name of the first layer of this class: the class name in snake case.
  fileprivate var automaticName: String {
    switch kind {
    case .input: "input"
    case .dense: "dense"
    case .activation: "activation"
    case .relu: "re_lu"
    case .softmax: "softmax"
    case .flatten: "flatten"
    case .dropout: "dropout"
    case .batchNormalization: "batch_normalization"
    case .embedding: "embedding"
    case .globalAveragePooling1D: "global_average_pooling1d"
    }
  }
}
