/// Plain loops over float32 buffers. Sums run in the order of the elements, so the bits depend on
/// nothing but the numbers.

/// `target[i] += source[i]`. Traps when the lengths differ.
public func add(
  _ source: UnsafeBufferPointer<Float>, to target: UnsafeMutableBufferPointer<Float>
) {
  requireEqualCounts(source.count, target.count)
  for index in source.indices { target[index] += source[index] }
}

/// `product[i] = a[i] b[i]`; `product` may be `a` or `b`. Traps when the lengths differ.
public func multiply(
  _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>,
  into product: UnsafeMutableBufferPointer<Float>
) {
  requireEqualCounts(a.count, b.count, product.count)
  for index in a.indices { product[index] = a[index] * b[index] }
}

/// Adds `row` to each row of `matrix`, whose rows are as long. Traps unless the length of `row` divides
/// that of `matrix`.
public func addRow(
  _ row: UnsafeBufferPointer<Float>, to matrix: UnsafeMutableBufferPointer<Float>
) {
  let rowCount = requireRows(matrix.count, columns: row.count)
  for r in 0..<rowCount {
    for c in row.indices { matrix[r * row.count + c] += row[c] }
  }
}

/// `sums[c] =` the sum of column `c` of `matrix`, whose rows are as long as `sums`. Traps unless that
/// length divides the matrix's.
public func sumColumns(
  _ matrix: UnsafeBufferPointer<Float>, into sums: UnsafeMutableBufferPointer<Float>
) {
  let rowCount = requireRows(matrix.count, columns: sums.count)
  sums.update(repeating: 0)
  for r in 0..<rowCount {
    for c in sums.indices { sums[c] += matrix[r * sums.count + c] }
  }
}

// MARK: - Checks

func requireEqualCounts(_ counts: Int...) {
  precondition(
    counts.allSatisfy { $0 == counts[0] }, "buffers of different lengths: \(counts)")
}

/// The number of rows of `columns` elements in a buffer of `count`.
func requireRows(_ count: Int, columns: Int) -> Int {
  precondition(
    columns == 0 ? count == 0 : count % columns == 0,
    "a buffer of \(count) elements has no whole rows of \(columns)")
  return columns == 0 ? 0 : count / columns
}
