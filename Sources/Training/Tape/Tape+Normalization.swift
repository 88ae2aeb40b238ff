internal import Optimizers
internal import Primitives
public import Tensors

extension GradientTape {
  /// The moments of a batch: mean and biased variance of each feature, shape (features).
  public struct Moments: Sendable {
    public var mean: Tensor
    public var variance: Tensor

    public init(mean: Tensor, variance: Tensor) {
      self.mean = mean
      self.variance = variance
    }
  }

  /// `(x - mean) / sqrt(variance + epsilon)` by the batch's own moments, taken over all axes but the
  /// last; also returns these.
  ///
  /// Gradient: `dx = (dy - mean(dy) - y mean(dy y)) / sqrt(variance + epsilon)`; it flows through the
  /// moments (Ioffe and Szegedy, "Batch normalization", 2015, section 3). Traps when x has no rows.
  public mutating func normalizeByBatch(_ x: Value, epsilon: Float) -> (Value, Moments) {
    let input = self[x]
    let moments = Moments(of: input)
    let inverse = moments.inverseDeviation(epsilon: epsilon)
    let output = normalized(input, mean: moments.mean, inverse: inverse)
    let value = record(output, from: [x]) { upstream in
      let gradient = Tensor(float32: output.shape) { dx in
        upstream.withFloats { dy in
          output.withFloats { y in
            inverse.withFloats { pullBackNormalizedColumns(dy, y: y, inverse: $0, into: dx) }
          }
        }
      }
      return [.dense(gradient)]
    }
    return (value, moments)
  }

  /// `(x - mean) / sqrt(variance + epsilon)` by given moments of shape (features), which are constants.
  /// Gradient: `dx = dy / sqrt(variance + epsilon)`.
  public mutating func normalize(_ x: Value, by moments: Moments, epsilon: Float) -> Value {
    let inverse = moments.inverseDeviation(epsilon: epsilon)
    let output = normalized(self[x], mean: moments.mean, inverse: inverse)
    return record(output, from: [x]) { [.dense(scaled($0, by: inverse))] }
  }

  /// Each row of x, shape (..., n), times the vector `scale` of shape (n).
  ///
  /// Gradients: `dx = dy scale`, `dscale =` the sum of the rows of `dy x`.
  public mutating func multiplyRows(_ x: Value, by scale: Value) -> Value {
    let input = self[x]
    let factor = self[scale]
    let needsScale = isTracked(scale)
    return record(scaled(input, by: factor), from: [x, scale]) { upstream in
      [
        .dense(scaled(upstream, by: factor)),
        needsScale ? .dense(columnSums(elementwiseProduct(upstream, input))) : .none,
      ]
    }
  }
}

extension GradientTape.Moments {
  /// The moments over all axes but the last.
  init(of tensor: Tensor) {
    let features: Shape = [tensor.matrixShape.columns]
    mean = Tensor(zeros: features)
    variance = Tensor(zeros: features)
    tensor.withFloats { x in
      mean.withMutableElements(of: Float.self) { mean in
        variance.withMutableElements(of: Float.self) {
          columnMoments(x, mean: mean, variance: $0)
        }
      }
    }
  }

  /// `1 / sqrt(variance + epsilon)`
  fileprivate func inverseDeviation(epsilon: Float) -> Tensor {
    Tensor(float32: variance.shape) { inverse in
      variance.withFloats { variance in
        for c in inverse.indices { inverse[c] = 1 / (variance[c] + epsilon).squareRoot() }
      }
    }
  }
}

private func normalized(_ x: Tensor, mean: Tensor, inverse: Tensor) -> Tensor {
  Tensor(float32: x.shape) { y in
    x.withFloats { x in
      mean.withFloats { mean in
        inverse.withFloats { normalizeColumns(x, mean: mean, inverse: $0, into: y) }
      }
    }
  }
}

private func scaled(_ x: Tensor, by scale: Tensor) -> Tensor {
  Tensor(float32: x.shape) { y in
    x.withFloats { x in scale.withFloats { scaleColumns(x, by: $0, into: y) } }
  }
}

/// `a b`, element by element, of one shape.
func elementwiseProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  requireSameShape(a.shape, b.shape)
  return Tensor(float32: a.shape) { product in
    a.withFloats { a in b.withFloats { multiply(a, $0, into: product) } }
  }
}
