internal import Primitives
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

// Cross-entropy over classes, the last axis. Shapes: x (rows, classes).

extension GradientTape {
  /// `log Σ e^x - x[class]`; gradient `softmax(x) - onehot(class)` over the row count.
  mutating func sparseCrossEntropy(logits: Value, classes: [Int]) -> Value {
    let x = self[logits]
    let columns = x.matrixShape.columns
    var terms = logSumExp(x)
    requireRows(terms.count, labels: classes.count)
    x.withFloats { x in
      for (row, label) in classes.enumerated() { terms[row] -= x[row * columns + label] }
    }
    return recordMean(of: terms, from: logits) { scale, dx in
      x.withFloats { softmaxRows($0, columns: columns, into: dx) }
      for (row, label) in classes.enumerated() { dx[row * columns + label] -= 1 }
      for index in dx.indices { dx[index] *= scale }
    }
  }

  /// `log Σ p - log p[class]` with p clipped: outputs are renormalized, as Keras does. The gradient is
  /// zero where p was clipped.
  mutating func sparseCrossEntropy(probabilities: Value, classes: [Int]) -> Value {
    let output = self[probabilities]
    let columns = output.matrixShape.columns
    requireRows(output.matrixShape.rows, labels: classes.count)
    let sums = output.withFloats { p in
      classes.indices.map { row in
        p[row * columns..<(row + 1) * columns].reduce(0) { $0 + clipped($1) }
      }
    }
    let terms = output.withFloats { p in
      classes.indices.map { logf(sums[$0]) - logf(clipped(p[$0 * columns + classes[$0]])) }
    }
    return recordMean(of: terms, from: probabilities) { scale, dp in
      output.withFloats { p in
        for index in dp.indices {
          let row = index / columns
          let own = index % columns == classes[row] ? 1 / clipped(p[index]) : 0
          dp[index] = isClipped(p[index]) ? 0 : scale * (1 / sums[row] - own)
        }
      }
    }
  }

  /// `Σ t (log Σ e^x - x)`; gradient `softmax(x) - t` over the row count, which is TensorFlow's and
  /// takes each row of t to sum to 1.
  mutating func crossEntropy(logits: Value, targets: Tensor) -> Value {
    let x = self[logits]
    let columns = x.matrixShape.columns
    requireElements(x.elementCount, labels: targets.elementCount)
    let logSums = logSumExp(x)
    let terms = x.withFloats { x in
      targets.withFloats { t in
        logSums.indices.map { row in
          (row * columns..<(row + 1) * columns).reduce(Float(0)) {
            $0 + t[$1] * (logSums[row] - x[$1])
          }
        }
      }
    }
    return recordMean(of: terms, from: logits) { scale, dx in
      x.withFloats { softmaxRows($0, columns: columns, into: dx) }
      targets.withFloats { t in
        for index in dx.indices { dx[index] = (dx[index] - t[index]) * scale }
      }
    }
  }

  /// `-Σ t log(clip(p / Σ p))`, as Keras has it. The gradient is zero where the quotient was clipped.
  mutating func crossEntropy(probabilities: Value, targets: Tensor) -> Value {
    let output = self[probabilities]
    let columns = output.matrixShape.columns
    requireElements(output.elementCount, labels: targets.elementCount)
    let sums = output.withFloats { p in
      (0..<output.matrixShape.rows).map { row in
        p[row * columns..<(row + 1) * columns].reduce(0, +)
      }
    }
    let terms = output.withFloats { p in
      targets.withFloats { t in
        sums.indices.map { row in
          (row * columns..<(row + 1) * columns).reduce(Float(0)) {
            $0 - t[$1] * logf(clipped(p[$1] / sums[row]))
          }
        }
      }
    }
    return recordMean(of: terms, from: probabilities) { scale, dp in
      output.withFloats { p in
        targets.withFloats { t in
          for row in sums.indices {
            let range = row * columns..<(row + 1) * columns
            // By the quotients q first, then through q = p / Σ p.
            var projection: Float = 0
            for index in range {
              let q = p[index] / sums[row]
              dp[index] = isClipped(q) ? 0 : -t[index] / q
              projection += dp[index] * q
            }
            for index in range { dp[index] = scale * (dp[index] - projection) / sums[row] }
          }
        }
      }
    }
  }
}

// MARK: - Private

private func logSumExp(_ x: Tensor) -> [Float] {
  let (rows, columns) = x.matrixShape
  return [Float](unsafeUninitializedCapacity: rows) { results, count in
    let target = UnsafeMutableBufferPointer(rebasing: results[..<rows])
    x.withFloats { logSumExpRows($0, columns: columns, into: target) }
    count = rows
  }
}

/// The least probability whose logarithm is taken: Keras's `epsilon()`.
private let probabilityFloor: Float = 1e-7

func clipped(_ probability: Float) -> Float {
  min(max(probability, probabilityFloor), 1 - probabilityFloor)
}

func isClipped(_ probability: Float) -> Bool {
  probability < probabilityFloor || probability > 1 - probabilityFloor
}

private func requireRows(_ rows: Int, labels: Int) {
  precondition(rows == labels, "\(labels) labels for \(rows) rows")
}

func requireElements(_ count: Int, labels: Int) {
  precondition(count == labels, "\(labels) label elements for \(count) outputs")
}
