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
    return LayerOutput(
      value: tape.rows(of: variables[0], at: try rows(of: ids), idShape: ids.shape))
  }

  /// The rows that `ids` stand for.
  ///
  /// Throws ``TrainingError/idOutOfRange(layer:row:value:rowCount:)`` for the first id that is not in the
  /// table; `row` is its index along the first axis.
  @discardableResult
  func rows(of ids: Tensor) throws(TrainingError) -> [Int] {
    if ids.dtype.isFloatingPoint, let bad = ids.firstElement(where: { $0.isNaN }) {
      throw outOfRange(bad.value, at: bad.index, of: ids)
    }
    let rows = ids.integers()
    for (index, row) in rows.enumerated() where row < 0 || row >= rowCount {
      throw outOfRange(Double(row), at: index, of: ids)
    }
    return rows
  }

  private func outOfRange(_ id: Double, at index: Int, of ids: Tensor) -> TrainingError {
    let rowSize = ids.elementCount / ids.shape[0]
    return .idOutOfRange(layer: layer, row: index / rowSize, value: id, rowCount: rowCount)
  }
}
