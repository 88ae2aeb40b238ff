internal import Optimizers
internal import Primitives
internal import Tensors

extension GradientTape {
  /// `f(x)` of any shape; softmax acts on the last axis.
  ///
  /// Gradient: `dx = dy f'(x)`; of softmax `dx = y (dy - Σ dy y)`. The result of a softmax or a sigmoid
  /// remembers `x` as its logits, so that a cross-entropy can be computed from them.
  public mutating func activate(_ x: Value, _ activation: Activation) -> Value {
    switch activation {
    case .linear: return x
    case .softmax:
      let probability = softmax(x)
      setLogits(x, of: probability)
      return probability
    default:
      guard let function = activation.elementwise else { return x }
      let output = apply(function, to: x)
      if activation == .sigmoid { setLogits(x, of: output) }
      return output
    }
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

/// Softmax over the last axis.
func softmaxProbabilities(_ logits: Tensor) -> Tensor {
  Tensor(float32: logits.shape) { y in
    logits.withFloats { softmaxRows($0, columns: logits.matrixShape.columns, into: y) }
  }
}
