internal import KerasConfiguration
internal import Tensors

/// A row of the table `embeddings` (input dimension, output dimension) for each id.
///
/// Ids may be of any number type; a fraction is cut off, as Keras's cast does.
struct EmbeddingOperation: LayerOperation {
  let variables: [LayerVariable]
  private let layer: String
  private let rowCount: Int

  init(_ options: LayerConfiguration.Embedding, layer: String) {
    self.layer = layer
    rowCount = options.inputDimension
    variables = [
      LayerVariable(
        name: "embeddings", shape: [options.inputDimension, options.outputDimension],
        initializer: options.embeddingsInitializer)
    ]
  }

  func forward(
    _ tape: inout GradientTape, _ input: GradientTape.Value, variables: [GradientTape.Value],
    pass: LayerPass
  ) throws(TrainingError) -> LayerOutput {
    let ids = tape[input]
    try check(ids)
    return LayerOutput(
      value: tape.rows(of: variables[0], at: ids.integers(), idShape: ids.shape))
  }

  /// Throws ``TrainingError/idOutOfRange(layer:row:value:rowCount:)`` for the first id that is not in the
  /// table; `row` is its index along the first axis.
  func check(_ ids: Tensor) throws(TrainingError) {
    // An id of -0.5 is cut to 0.
    let bad = ids.firstElement { !($0 > -1 && $0 < Double(rowCount)) }
    guard let bad else { return }
    throw .idOutOfRange(
      layer: layer, row: bad.index / max(1, ids.elementCount / max(1, ids.shape[0])),
      value: bad.value, rowCount: rowCount)
  }
}
