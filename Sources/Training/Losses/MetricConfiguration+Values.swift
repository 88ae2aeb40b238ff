internal import KerasConfiguration
internal import Tensors

extension MetricConfiguration {
  /// The sum of the metric over the rows of a batch, and their number.
  ///
  /// `accuracy` is the one that Keras picks by shapes: binary if the output's last axis is 1, sparse if
  /// the labels have fewer axes than the output or a last axis of 1, else categorical.
  ///
  /// - Parameters:
  ///   - output: probabilities (or whatever the model gives), shape (batch, ..., features), float32.
  ///   - labels: any dtype.
  ///
  /// Traps when the element counts do not fit.
  func total(of output: Tensor, labels: Tensor) -> (sum: Double, count: Int) {
    let (rows, columns) = output.matrixShape
    switch resolved(output: output.shape, labels: labels.shape) {
    case .sparseCategoricalAccuracy, .accuracy:
      let classes = labels.integers()
      precondition(classes.count == rows, "\(classes.count) labels for \(rows) rows")
      let largest = output.largestOfRows()
      return (Double(zip(largest, classes).count { $0 == $1 }), rows)
    case .categoricalAccuracy:
      requireElements(output.elementCount, labels: labels.elementCount)
      let target = labels.converted(to: .float32).reshaped(to: output.shape).largestOfRows()
      return (Double(zip(output.largestOfRows(), target).count { $0 == $1 }), rows)
    case .binaryAccuracy:
      let matches = elementSum(output, labels) { ($0 > 0.5 ? 1 : 0) == $1 ? 1 : 0 }
      return (matches / Double(columns), rows)
    case .meanSquaredError:
      return (elementSum(output, labels) { Double(($0 - $1) * ($0 - $1)) } / Double(columns), rows)
    }
  }

  private func resolved(output: Shape, labels: Shape) -> Function {
    guard function == .accuracy else { return function }
    if output[-1] == 1 { return .binaryAccuracy }
    if labels.rank < output.rank || labels[-1] == 1 { return .sparseCategoricalAccuracy }
    return .categoricalAccuracy
  }

  private func elementSum(
    _ output: Tensor, _ labels: Tensor, _ term: (Float, Float) -> Double
  ) -> Double {
    requireElements(output.elementCount, labels: labels.elementCount)
    return output.withFloats { y in
      labels.converted(to: .float32).withFloats { t in
        y.indices.reduce(0) { $0 + term(y[$1], t[$1]) }
      }
    }
  }
}

extension Tensor {
  /// The index of each row's largest element, the first of equal ones.
  fileprivate func largestOfRows() -> [Int] {
    let (rows, columns) = matrixShape
    return withFloats { x in
      (0..<rows).map { row in
        var best = 0
        for column in 1..<max(columns, 1)
        where x[row * columns + column] > x[row * columns + best] {
          best = column
        }
        return best
      }
    }
  }
}
