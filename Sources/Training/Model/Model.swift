public import KerasConfiguration
internal import Tensors

/// An architecture: layers, who owns which variables, and which layer is called on what. It holds no
/// numbers; these live in a ``TrainingState`` or any list of variables in the model's order.
///
/// ```swift
/// let model = try Model.sequential(
///   inputShape: [64],
///   [
///     .dense(.init(units: 32, activation: .relu)),
///     .dense(.init(units: 10, activation: .softmax)),
///   ])
/// ```
public struct Model: Sendable {
  /// What the model was made from; where it was read from a file, the JSON as it stood there.
  public let configuration: ModelConfiguration
  /// The layers, each once, in model order; a Sequential's InputLayer is not among them.
  public let layers: [Layer]
  /// The variables in model order: by layer, then in the order of creation.
  public let variables: [VariableSpecification]
  /// The places in ``variables`` of those that gradients train.
  public let trainableVariables: [Int]
  /// The shape of a batch of inputs, the batch's extent first; nil is any.
  public let inputShape: [Int?]
  /// The shape of a batch of outputs.
  public let outputShape: [Int?]
  /// The graph: in order, which layer is called on which value.
  let calls: [Call]

  /// One call of a layer. Value 0 is the model's input and value i + 1 the output of call i; the last
  /// value is the model's output. A layer may be called more than once.
  struct Call: Sendable {
    let layer: Int
    let input: Int
  }

  public var name: String { configuration.name }

  /// The model that Keras's JSON describes.
  ///
  /// - Parameters:
  ///   - configuration: a Sequential.
  ///   - rowShape: the shape of one row, nil where any extent will do; only for a configuration
  ///     that does not say it.
  ///
  /// Throws ``TrainingError/configuration(_:)`` for a model that is not a Sequential and for a layer
  /// that Cairn cannot train, or not with these options; ``TrainingError/invalidModel(_:)`` where the
  /// input's shape is unknown or given twice; ``TrainingError/invalidLayer(name:reason:)``.
  public init(
    configuration: ModelConfiguration, inputShape rowShape: [Int?]? = nil
  ) throws(TrainingError) {
    self.configuration = configuration
    let decoded: [LayerConfiguration]
    do throws(ConfigurationError) {
      decoded = try configuration.decodedLayers()
    } catch { throw .configuration(error) }
    inputShape = try Self.inputShape(of: configuration, given: rowShape)

    var layers: [Layer] = []
    var variables: [VariableSpecification] = []
    var shape = inputShape
    for layer in decoded {
      if case .input = layer.kind { continue }
      let path: LayerPath = [layer.name]
      let output = try layer.checkedOutputShape(for: shape)
      let operation = try layer.operation(inputShape: shape, dialect: configuration.dialect)
      let isTrainable = configuration.isTrainable && layer.isTrainable
      let first = variables.count
      for (index, variable) in operation.variables.enumerated() {
        variables.append(
          VariableSpecification(
            id: VariableID(layer: path, index: index), name: "\(path)/\(variable.name)",
            shape: variable.shape, initializer: variable.initializer,
            isTrainable: isTrainable && variable.isTrainable))
      }
      layers.append(
        Layer(
          path: path, configuration: layer, isTrainable: isTrainable,
          variables: first..<variables.count, operation: operation))
      shape = output
    }
    guard !layers.isEmpty else { throw .invalidModel("it has no layers") }
    outputShape = shape
    calls = layers.indices.map { Call(layer: $0, input: $0) }
    trainableVariables = variables.indices.filter { variables[$0].isTrainable }
    self.layers = layers
    self.variables = variables
  }

  private static func inputShape(
    of configuration: ModelConfiguration, given rowShape: [Int?]?
  ) throws(TrainingError) -> [Int?] {
    switch (configuration.inputShape, rowShape) {
    case (let known?, nil): return [nil] + known.dropFirst()
    case (nil, let rowShape?): return [nil] + rowShape
    case (nil, nil):
      throw .invalidModel("its configuration does not say the shape of its input")
    case (let known?, let rowShape?):
      guard Array(known.dropFirst()) == rowShape else {
        throw .invalidModel("its input has shape \(known.dropFirst()), not \(rowShape)")
      }
      return [nil] + rowShape
    }
  }
}

extension LayerConfiguration {
  fileprivate func checkedOutputShape(for input: [Int?]) throws(TrainingError) -> [Int?] {
    do throws(ConfigurationError) { return try outputShape(for: input) } catch {
      throw .configuration(error)
    }
  }
}
