public import KerasConfiguration
internal import Optimizers
internal import Primitives
internal import Tensors

extension GradientTape {
  /// `f(x)` of any shape; softmax acts on the last axis.
  ///
  /// Gradient: `dx = dy f'(x)`; of softmax `dx = y (dy - Σ dy y)`. The result of a softmax or a sigmoid
  /// remembers `x` as its logits, so that a cross-entropy can be computed from them.
  public mutating func activate(_ x: Value, _ activation: ActivationFunction) -> Value {
    switch activation {
    case .softmax:
      let probability = softmax(x)
      setLogits(x, of: probability)
      return probability
    default:
      guard let function = activation.elementwise else { return x }  // linear
      let output = apply(function, to: x)
      if activation == .sigmoid { setLogits(x, of: output) }
      return output
    }
  }

  /// `min(x, maximum)` from `threshold` on, `slope (x - threshold)` below it. Gradient: `dy` where x
  /// passes, `slope dy` below the threshold, 0 at the maximum and beyond.
  public mutating func rectify(
    _ x: Value, maximum: Float = .infinity, slope: Float = 0, threshold: Float = 0
  ) -> Value {
    apply(.rectifier(maximum: maximum, slope: slope, threshold: threshold), to: x)
  }

  private mutating func apply(_ function: ElementwiseFunction, to x: Value) -> Value {
    let input = self[x]
    let output = Tensor(float32: input.shape) { y in
      input.withFloats { function.evaluate($0, into: y) }
    }
    return record(output, from: [x]) { upstream in
      let gradient = Tensor(float32: input.shape) { dx in
        upstream.withFloats { dy in
          input.withFloats { x in
            output.withFloats { function.pullBack(dy, x: x, y: $0, into: dx) }
          }
        }
      }
      return [.dense(gradient)]
    }
  }

  private mutating func softmax(_ x: Value) -> Value {
    let output = softmaxProbabilities(self[x])
    return record(output, from: [x]) { upstream in
      let gradient = Tensor(float32: output.shape) { dx in
        upstream.withFloats { dy in
          output.withFloats { y in
            pullBackSoftmaxRows(dy, y: y, columns: output.matrixShape.columns, into: dx)
          }
        }
      }
      return [.dense(gradient)]
    }
  }
}

extension ActivationFunction {
  /// What is applied to each element alone; nil for `linear`, which is nothing, and for `softmax`.
  fileprivate var elementwise: ElementwiseFunction? {
    switch self {
    case .linear, .softmax: nil
    case .relu: .rectifier(maximum: .infinity, slope: 0, threshold: 0)
    case .sigmoid: .sigmoid
    case .tanh: .tanh
    case .elu: .elu
    case .selu: .selu
    case .softplus: .softplus
    case .softsign: .softsign
    case .silu: .swish
    case .gelu: .gelu
    case .exponential: .exponential
    }
  }
}

/// Softmax over the last axis.
func softmaxProbabilities(_ logits: Tensor) -> Tensor {
  Tensor(float32: logits.shape) { y in
    logits.withFloats { softmaxRows($0, columns: logits.matrixShape.columns, into: y) }
  }
}
