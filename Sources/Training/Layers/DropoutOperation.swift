internal import KerasConfiguration
internal import Tensors

/// In training, zero with probability `rate`, else `x / (1 - rate)`; otherwise the input itself.
///
/// The mask is a function of the run's seed, epoch, step, layer (and its own seed, if the configuration
/// gives one) and row; see ``GradientTape/dropout(_:rate:stream:firstRow:)``.
struct DropoutOperation: LayerOperation {
  private let rate: Float
  private let seed: Int?

  init(_ options: LayerConfiguration.Dropout) {
    rate = Float(options.rate)
    seed = options.seed
  }

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    guard case .training(var stream, let firstRow) = pass else { return LayerOutput(value: input) }
    if let seed { stream = stream.substream(UInt64(bitPattern: Int64(seed))) }
    let x = tape.float32(input)
    return LayerOutput(
      value: tape.dropout(x, rate: rate, stream: stream, firstRow: firstRow))
  }
}
