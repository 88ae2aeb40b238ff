internal import Optimizers
internal import Primitives
internal import Tensors

// Matrix products, biases and sums. Each operator's pullback stands in its body.

extension GradientTape {
  /// `x W`: x of shape (..., k), W of shape (k, n), the result (..., n).
  ///
  /// Gradients: `dx = dy Wᵀ`, `dW = xᵀ dy`, all leading axes of x counted as rows. Traps when the shapes
  /// do not fit.
  public mutating func matmul(_ x: Value, _ weights: Value) -> Value {
    let input = self[x]
    let kernel = self[weights]
    precondition(
      input.shape.rank >= 1 && kernel.shape.rank == 2 && input.shape[-1] == kernel.shape[0],
      "matmul of \(input.shape) and \(kernel.shape)")
    let (k, n) = (kernel.shape[0], kernel.shape[1])
    let m = input.shape.dimensions.dropLast().reduce(1, *)
    let threads = threadCount
    let shape = Shape(input.shape.dimensions.dropLast() + [n])
    let output = product(
      input, kernel, shape: shape, m: m, n: n, k: k, threadCount: threads)
    let (needsInput, needsKernel) = (isTracked(x), isTracked(weights))
    return record(output, from: [x, weights]) { upstream in
      [
        needsInput
          ? .dense(
            product(
              upstream, kernel, shape: input.shape, m: m, n: k, k: n, transposeB: true,
              threadCount: threads)) : .none,
        needsKernel
          ? .dense(
            product(
              input, upstream, shape: kernel.shape, m: k, n: n, k: m, transposeA: true,
              threadCount: threads)) : .none,
      ]
    }
  }

  /// `x + b`, the bias b of shape (n) added to each row of x, shape (..., n).
  ///
  /// Gradients: `dx = dy`, `db =` the sum of the rows of `dy`. Traps when the shapes do not fit.
  public mutating func addBias(_ x: Value, _ bias: Value) -> Value {
    let biasTensor = self[bias]
    var output = self[x]
    precondition(
      biasTensor.shape.rank == 1 && output.shape.rank >= 1
        && output.shape[-1] == biasTensor.shape[0],
      "a bias of shape \(biasTensor.shape) added to \(output.shape)")
    output.withMutableElements(of: Float.self) { rows in
      biasTensor.withFloats { addRow($0, to: rows) }
    }
    let needsBias = isTracked(bias)
    return record(output, from: [x, bias]) { upstream in
      [.dense(upstream), needsBias ? .dense(columnSums(upstream)) : .none]
    }
  }

  /// `a + b` of one shape. Gradients: `dy` for both. Traps when the shapes differ.
  public mutating func add(_ a: Value, _ b: Value) -> Value {
    var sum = self[a]
    let addend = self[b]
    requireSameShape(sum.shape, addend.shape)
    sum.withMutableElements(of: Float.self) { sum in
      addend.withFloats { Primitives.add($0, to: sum) }
    }
    return record(sum, from: [a, b]) { [.dense($0), .dense($0)] }
  }
}

/// `op(a) op(b)` as a tensor of `shape`.
private func product(
  _ a: Tensor, _ b: Tensor, shape: Shape, m: Int, n: Int, k: Int, transposeA: Bool = false,
  transposeB: Bool = false, threadCount: Int
) -> Tensor {
  Tensor(float32: shape) { c in
    a.withFloats { a in
      b.withFloats { b in
        multiplyMatrices(
          a, b, into: c, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB,
          threadCount: threadCount)
      }
    }
  }
}

/// The sum of all rows: a vector as long as the last axis.
func columnSums(_ tensor: Tensor) -> Tensor {
  Tensor(float32: [tensor.matrixShape.columns]) { sums in
    tensor.withFloats { sumColumns($0, into: sums) }
  }
}
