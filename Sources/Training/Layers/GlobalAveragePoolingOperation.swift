internal import Tensors

/// The mean over the steps: (batch, steps, features) to (batch, features), or to (batch, 1, features).
struct GlobalAveragePoolingOperation: LayerOperation {
  let keepsDimensions: Bool

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let x = tape.float32(input)
    let means = tape.averageOverSteps(x)
    guard keepsDimensions else { return LayerOutput(value: means) }
    let shape = tape[means].shape
    return LayerOutput(value: tape.reshape(means, to: [shape[0], 1, shape[1]]))
  }
}
