internal import KerasConfiguration
internal import Tensors

/// `activation(x kernel + bias)`: kernel (features, units), bias (units).
struct DenseOperation: LayerOperation {
  let variables: [LayerVariable]
  private let activation: ActivationFunction
  private let usesBias: Bool

  init(_ options: LayerConfiguration.Dense, features: Int) {
    activation = options.activation
    usesBias = options.usesBias
    let kernel = LayerVariable(
      name: "kernel", shape: [features, options.units], initializer: options.kernelInitializer)
    let bias = LayerVariable(
      name: "bias", shape: [options.units], initializer: options.biasInitializer)
    variables = usesBias ? [kernel, bias] : [kernel]
  }

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let x = tape.float32(input)
    var y = tape.matmul(x, variables[0])
    if usesBias { y = tape.addBias(y, variables[1]) }
    return LayerOutput(value: tape.activate(y, activation))
  }
}
