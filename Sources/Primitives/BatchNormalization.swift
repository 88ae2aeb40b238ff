/// Mean and biased variance (divided by the row count) of each column.
///
/// Two passes in double precision, rounded once: `variance = Σ (x - mean)² / rows`. Traps unless `mean`
/// and `variance` have one place per column of whole rows, or when there is no row.
public func columnMoments(
  _ x: UnsafeBufferPointer<Float>, mean: UnsafeMutableBufferPointer<Float>,
  variance: UnsafeMutableBufferPointer<Float>
) {
  let columns = mean.count
  requireEqualCounts(columns, variance.count)
  let rowCount = requireRows(x.count, columns: columns)
  precondition(rowCount > 0 || columns == 0, "moments of no rows")
  var sums = [Double](repeating: 0, count: columns)
  for row in 0..<rowCount {
    for c in 0..<columns { sums[c] += Double(x[row * columns + c]) }
  }
  let means = sums.map { $0 / Double(rowCount) }
  for c in 0..<columns { sums[c] = 0 }
  for row in 0..<rowCount {
    for c in 0..<columns {
      let distance = Double(x[row * columns + c]) - means[c]
      sums[c] += distance * distance
    }
  }
  for c in 0..<columns {
    mean[c] = Float(means[c])
    variance[c] = Float(sums[c] / Double(rowCount))
  }
}

/// `y = (x - mean) inverse`, column by column, where `inverse = 1 / sqrt(variance + epsilon)`.
///
/// `y` may be `x`. Traps when lengths do not fit.
public func normalizeColumns(
  _ x: UnsafeBufferPointer<Float>, mean: UnsafeBufferPointer<Float>,
  inverse: UnsafeBufferPointer<Float>, into y: UnsafeMutableBufferPointer<Float>
) {
  let columns = mean.count
  requireEqualCounts(columns, inverse.count)
  requireEqualCounts(x.count, y.count)
  for row in 0..<requireRows(x.count, columns: columns) {
    for c in 0..<columns {
      let index = row * columns + c
      y[index] = (x[index] - mean[c]) * inverse[c]
    }
  }
}

/// The pullback of normalization by the batch's own moments:
/// `dx = inverse (dy - mean(dy) - y mean(dy y))`, the means over the rows of a column.
///
/// Source: Ioffe and Szegedy, "Batch normalization", 2015, section 3. `dx` may be `dy`. Traps when
/// lengths do not fit.
public func pullBackNormalizedColumns(
  _ dy: UnsafeBufferPointer<Float>, y: UnsafeBufferPointer<Float>,
  inverse: UnsafeBufferPointer<Float>, into dx: UnsafeMutableBufferPointer<Float>
) {
  let columns = inverse.count
  requireEqualCounts(dy.count, y.count, dx.count)
  let rowCount = requireRows(dy.count, columns: columns)
  var sums = [Double](repeating: 0, count: columns)
  var products = [Double](repeating: 0, count: columns)
  for row in 0..<rowCount {
    for c in 0..<columns {
      let index = row * columns + c
      sums[c] += Double(dy[index])
      products[c] += Double(dy[index]) * Double(y[index])
    }
  }
  let means = sums.map { Float($0 / Double(rowCount)) }
  let productMeans = products.map { Float($0 / Double(rowCount)) }
  for row in 0..<rowCount {
    for c in 0..<columns {
      let index = row * columns + c
      dx[index] = inverse[c] * (dy[index] - means[c] - y[index] * productMeans[c])
    }
  }
}

/// `y[r, c] = x[r, c] scale[c]`. `y` may be `x`. Traps when lengths do not fit.
public func scaleColumns(
  _ x: UnsafeBufferPointer<Float>, by scale: UnsafeBufferPointer<Float>,
  into y: UnsafeMutableBufferPointer<Float>
) {
  requireEqualCounts(x.count, y.count)
  for row in 0..<requireRows(x.count, columns: scale.count) {
    for c in scale.indices {
      y[row * scale.count + c] = x[row * scale.count + c] * scale[c]
    }
  }
}
