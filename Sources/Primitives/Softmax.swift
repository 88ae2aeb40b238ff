#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// Softmax of each row of `columns` numbers: `y[c] = e^(x[c] - max) / Σ e^(x[j] - max)`.
///
/// `y` may be `x`. Traps unless both have the same whole number of rows.
public func softmaxRows(
  _ x: UnsafeBufferPointer<Float>, columns: Int, into y: UnsafeMutableBufferPointer<Float>
) {
  requireEqualCounts(x.count, y.count)
  for row in 0..<requireRows(x.count, columns: columns) {
    let range = row * columns..<(row + 1) * columns
    let largest = maximum(x, range)
    var sum: Float = 0
    for index in range {
      let power = expf(x[index] - largest)
      y[index] = power
      sum += power
    }
    for index in range { y[index] /= sum }
  }
}

/// The pullback of softmax: `dx = y (dy - Σ dy y)`, row by row, where `y` is the softmax.
///
/// `dx` may be `dy`. Traps unless all have the same whole number of rows.
public func pullBackSoftmaxRows(
  _ dy: UnsafeBufferPointer<Float>, y: UnsafeBufferPointer<Float>, columns: Int,
  into dx: UnsafeMutableBufferPointer<Float>
) {
  requireEqualCounts(dy.count, y.count, dx.count)
  for row in 0..<requireRows(y.count, columns: columns) {
    let range = row * columns..<(row + 1) * columns
    var sum: Float = 0
    for index in range { sum += dy[index] * y[index] }
    for index in range { dx[index] = y[index] * (dy[index] - sum) }
  }
}

/// `log Σ e^x[c]` of each row of `columns` numbers, computed as `max + log Σ e^(x[c] - max)`.
///
/// Traps unless `results` has one place per whole row.
public func logSumExpRows(
  _ x: UnsafeBufferPointer<Float>, columns: Int,
  into results: UnsafeMutableBufferPointer<Float>
) {
  let rowCount = requireRows(x.count, columns: columns)
  requireEqualCounts(rowCount, results.count)
  for row in 0..<rowCount {
    let range = row * columns..<(row + 1) * columns
    let largest = maximum(x, range)
    var sum: Float = 0
    for index in range { sum += expf(x[index] - largest) }
    results[row] = largest + logf(sum)
  }
}

/// The largest element; a NaN in the range makes later arithmetic NaN whatever is returned here.
private func maximum(_ x: UnsafeBufferPointer<Float>, _ range: Range<Int>) -> Float {
  var largest = x[range.lowerBound]
  for index in range where x[index] > largest { largest = x[index] }
  return largest
}
