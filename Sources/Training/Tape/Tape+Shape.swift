internal import Optimizers
internal import Primitives
public import Tensors

extension GradientTape {
  /// The same elements under another shape. Gradient: `dy` under the old one. Traps when the element
  /// counts differ.
  public mutating func reshape(_ x: Value, to shape: Shape) -> Value {
    let input = self[x]
    if input.shape == shape { return x }
    return record(input.reshaped(to: shape), from: [x]) {
      [.dense($0.reshaped(to: input.shape))]
    }
  }

  /// `x` as float32: itself, or a constant converted from another dtype (an integer has no gradient).
  public mutating func float32(_ x: Value) -> Value {
    let input = self[x]
    return input.dtype == .float32 ? x : constant(input.converted(to: .float32))
  }

  /// The mean over the steps: x of shape (batch, steps, features), the result (batch, features).
  ///
  /// Gradient: each step gets `dy / steps`. Traps unless x has three axes and at least one step.
  public mutating func averageOverSteps(_ x: Value) -> Value {
    let input = self[x]
    precondition(
      input.shape.rank == 3 && input.shape[1] > 0, "the mean over the steps of \(input.shape)")
    let (batch, steps, features) = (input.shape[0], input.shape[1], input.shape[2])
    let output = Tensor(float32: [batch, features]) { means in
      input.withFloats { x in
        for sample in 0..<batch {
          let sums = UnsafeMutableBufferPointer(
            rebasing: means[sample * features..<(sample + 1) * features])
          let start = sample * steps * features
          sumColumns(.init(rebasing: x[start..<start + steps * features]), into: sums)
          for c in sums.indices { sums[c] /= Float(steps) }
        }
      }
    }
    return record(output, from: [x]) { upstream in
      let gradient = Tensor(float32: input.shape) { dx in
        upstream.withFloats { dy in
          for row in 0..<batch * steps {
            let sample = row / steps
            for c in 0..<features {
              dx[row * features + c] = dy[sample * features + c] / Float(steps)
            }
          }
        }
      }
      return [.dense(gradient)]
    }
  }
}
