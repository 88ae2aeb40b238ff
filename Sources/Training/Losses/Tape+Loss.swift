public import KerasConfiguration
internal import Optimizers
public import Tensors

extension GradientTape {
  /// The mean of a loss over the rows of a batch, as in Keras: a scalar.
  ///
  /// A row is what stands under one place of the output's last axis but one, so of sequences every step
  /// is a row; binary cross-entropy and squared error are first averaged over the last axis.
  ///
  /// | function | labels | loss of a row |
  /// | --- | --- | --- |
  /// | sparse categorical cross-entropy | class indices | `-log softmax(x)[label]` |
  /// | categorical cross-entropy | distributions | `-Σ label log softmax(x)` |
  /// | binary cross-entropy | in 0...1 | `-(label log p + (1 - label) log(1 - p))` |
  /// | mean squared error | any | `(y - label)²` |
  ///
  /// When the output is a softmax or a sigmoid, the cross-entropies are computed from what that
  /// activation was given, as Keras does on TensorFlow: exact where the probability is rounded to 0 or
  /// 1. (Keras looks only at whether such an activation came last, not at which; so does this.) Other
  /// outputs are logits if the configuration says so, else probabilities, clipped to 1e-7...1 - 1e-7.
  ///
  /// - Parameters:
  ///   - output: the model's output, shape (batch, ..., features).
  ///   - labels: as `LossConfiguration.checkLabels(_:rowShape:)` wants them; any
  ///     dtype.
  ///
  /// Traps when the labels' element count does not fit.
  public mutating func loss(
    _ loss: LossConfiguration, of output: Value, labels: Tensor
  ) -> Value {
    let logits = logits(of: output) ?? (loss.isFromLogits ? output : nil)
    switch loss.function {
    case .sparseCategoricalCrossentropy:
      let classes = labels.integers()
      guard let logits else { return sparseCrossEntropy(probabilities: output, classes: classes) }
      return sparseCrossEntropy(logits: logits, classes: classes)
    case .categoricalCrossentropy:
      let targets = labels.converted(to: .float32)
      guard let logits else { return crossEntropy(probabilities: output, targets: targets) }
      return crossEntropy(logits: logits, targets: targets)
    case .binaryCrossentropy:
      let targets = labels.converted(to: .float32)
      guard let logits else { return binaryCrossEntropy(probabilities: output, targets: targets) }
      return binaryCrossEntropy(logits: logits, targets: targets)
    case .meanSquaredError:
      return meanSquaredError(output, targets: labels.converted(to: .float32))
    }
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
