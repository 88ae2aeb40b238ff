internal import Optimizers
public import Tensors

extension GradientTape {
  /// The mean of `loss` over the rows of a batch: a scalar.
  ///
  /// - Parameters:
  ///   - output: the model's output, shape (batch, ..., features).
  ///   - labels: as ``Loss/checkLabels(_:rowShape:)`` wants them; any dtype.
  ///
  /// Traps when the labels' element count does not fit.
  public mutating func loss(_ loss: Loss, of output: Value, labels: Tensor) -> Value {
    switch loss {
    case .sparseCategoricalCrossEntropy(let fromLogits):
      let classes = labels.integers()
      if let logits = logits(of: output, fromLogits) {
        return sparseCrossEntropy(logits: logits, classes: classes)
      }
      return sparseCrossEntropy(probabilities: output, classes: classes)
    case .categoricalCrossEntropy(let fromLogits):
      let targets = labels.converted(to: .float32)
      if let logits = logits(of: output, fromLogits) {
        return crossEntropy(logits: logits, targets: targets)
      }
      return crossEntropy(probabilities: output, targets: targets)
    case .binaryCrossEntropy(let fromLogits):
      let targets = labels.converted(to: .float32)
      if let logits = logits(of: output, fromLogits) {
        return binaryCrossEntropy(logits: logits, targets: targets)
      }
      return binaryCrossEntropy(probabilities: output, targets: targets)
    case .meanSquaredError:
      return meanSquaredError(output, targets: labels.converted(to: .float32))
    }
  }

  private func logits(of output: Value, _ fromLogits: Bool) -> Value? {
    logits(of: output) ?? (fromLogits ? output : nil)
  }

  /// Records the mean of `terms` as a scalar computed from x. `gradient` writes the gradient of the
  /// mean by each element of x, times its argument.
  mutating func recordMean(
    of terms: [Float], from x: Value,
    gradient: @escaping (_ scale: Float, UnsafeMutableBufferPointer<Float>) -> Void
  ) -> Value {
    let shape = self[x].shape
    let mean = terms.reduce(0.0) { $0 + Double($1) } / Double(terms.count)
    return record(Tensor(scalar: Float(mean)), from: [x]) { upstream in
      let scale = upstream.withFloats { $0[0] } / Float(terms.count)
      return [.dense(Tensor(float32: shape) { gradient(scale, $0) })]
    }
  }
}
