internal import Primitives
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

// Losses of each output element by itself; the mean over the last axis and then over the rows is the
// mean over all elements.

extension GradientTape {
  /// `max(x, 0) - x t + log(1 + e^-|x|)`; gradient `sigmoid(x) - t` over the element count.
  mutating func binaryCrossEntropy(logits: Value, targets: Tensor) -> Value {
    let input = self[logits]
    let terms = elementTerms(input, targets) { x, t in
      max(x, 0) - x * t + log1pf(expf(-abs(x)))
    }
    return recordMean(of: terms, from: logits) { scale, dx in
      input.withFloats { ElementwiseFunction.sigmoid.evaluate($0, into: dx) }
      targets.withFloats { t in
        for index in dx.indices { dx[index] = (dx[index] - t[index]) * scale }
      }
    }
  }

  /// `-(t log p + (1 - t) log(1 - p))` with p clipped, as Keras 3 has it (Keras 2 adds another 1e-7
  /// inside each logarithm). The gradient is zero where p was clipped.
  mutating func binaryCrossEntropy(probabilities: Value, targets: Tensor) -> Value {
    let output = self[probabilities]
    let terms = elementTerms(output, targets) { p, t in
      -(t * logf(clipped(p)) + (1 - t) * logf(1 - clipped(p)))
    }
    return recordMean(of: terms, from: probabilities) { scale, dp in
      output.withFloats { p in
        targets.withFloats { t in
          for index in dp.indices {
            let (p, t) = (p[index], t[index])
            dp[index] = isClipped(p) ? 0 : scale * ((1 - t) / (1 - p) - t / p)
          }
        }
      }
    }
  }

  /// `(y - t)²`; gradient `2 (y - t)` over the element count.
  mutating func meanSquaredError(_ output: Value, targets: Tensor) -> Value {
    let y = self[output]
    let terms = elementTerms(y, targets) { ($0 - $1) * ($0 - $1) }
    return recordMean(of: terms, from: output) { scale, dy in
      y.withFloats { y in
        targets.withFloats { t in
          for index in dy.indices { dy[index] = 2 * (y[index] - t[index]) * scale }
        }
      }
    }
  }
}

private func elementTerms(
  _ output: Tensor, _ targets: Tensor, _ term: (Float, Float) -> Float
) -> [Float] {
  requireElements(output.elementCount, labels: targets.elementCount)
  return output.withFloats { y in
    targets.withFloats { t in y.indices.map { term(y[$0], t[$0]) } }
  }
}
