internal import Tensors

/// (batch, ...) to (batch, features); (batch) to (batch, 1).
struct FlattenOperation: LayerOperation {
  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let shape = tape[input].shape
    return LayerOutput(value: tape.reshape(input, to: [shape[0], shape.row.elementCount]))
  }
}
