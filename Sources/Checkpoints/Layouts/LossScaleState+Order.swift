import Tensors

extension LossScaleState {
  /// What Keras 3 calls the numbers, in the order in which it saves them.
  static let names = ["iteration", "learning_rate", "step_counter", "dynamic_scale"]

  /// What Keras 3 calls the optimizer that keeps them.
  static let optimizerName = "loss_scale_optimizer"

  /// The canonical name of one of them.
  static func entryName(_ name: String) -> String { "loss_scale/\(name)" }

  /// As Keras 3 stores them, in its order.
  var values: [Tensor] {
    [
      Tensor(scalar: iterations), Tensor(scalar: learningRate), Tensor(scalar: stepCounter),
      Tensor(scalar: scale),
    ]
  }
}
