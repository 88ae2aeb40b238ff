internal import Primitives

/// A layer's activation function, by Keras's name.
public enum Activation: String, Sendable, Hashable, CaseIterable {
  /// x
  case linear
  /// max(x, 0)
  case relu
  /// 1 / (1 + e^-x)
  case sigmoid
  case tanh
  /// e^x / Σ e^x over the last axis.
  case softmax
  /// x where x > 0, else e^x - 1.
  case elu
  /// 1.0507... elu with slope 1.6732...
  case selu
  /// log(1 + e^x)
  case softplus
  /// x / (1 + |x|)
  case softsign
  /// x sigmoid(x); Keras 3 calls it `silu` and knows both names.
  case swish
  /// x Φ(x), Φ by the error function.
  case gelu
  /// e^x
  case exponential
  /// Keras 2's `hard_sigmoid`: min(max(0.2 x + 0.5, 0), 1).
  case hardSigmoid2 = "hard_sigmoid (Keras 2)"
  /// Keras 3's `hard_sigmoid`: min(max(x / 6 + 0.5, 0), 1).
  case hardSigmoid3 = "hard_sigmoid (Keras 3)"

  /// What is applied to each element alone; nil for `linear` and `softmax`.
  var elementwise: ElementwiseFunction? {
    switch self {
    case .linear, .softmax: nil
    case .relu: .relu
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .elu: .elu
    case .selu: .selu
    case .softplus: .softplus
    case .softsign: .softsign
    case .swish: .swish
    case .gelu: .gelu
    case .exponential: .exponential
    case .hardSigmoid2: .hardSigmoid(slope: 0.2)
    case .hardSigmoid3: .hardSigmoid(slope: 1 / 6)
    }
  }
}
