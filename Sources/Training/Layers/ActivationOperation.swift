internal import KerasConfiguration

/// An activation function as a layer of its own.
struct ActivationOperation: LayerOperation {
  let function: ActivationFunction

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let x = tape.float32(input)
    return LayerOutput(value: tape.activate(x, function))
  }
}

/// Keras's ReLU layer, with its limits and slope.
struct RectifierOperation: LayerOperation {
  private let options: LayerConfiguration.ReLU

  init(_ options: LayerConfiguration.ReLU) { self.options = options }

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let x = tape.float32(input)
    let y = tape.rectify(
      x, maximum: options.maximum.map(Float.init) ?? .infinity,
      slope: Float(options.negativeSlope), threshold: Float(options.threshold))
    return LayerOutput(value: y)
  }
}

/// The input itself.
struct IdentityOperation: LayerOperation {
  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    LayerOutput(value: input)
  }
}
