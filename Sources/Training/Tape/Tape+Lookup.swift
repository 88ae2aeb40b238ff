internal import Optimizers
public import Tensors

extension GradientTape {
  /// The rows of a table by their index: table of shape (rows, n...), the result
  /// `idShape` + (n...).
  ///
  /// The table's gradient is row-indexed: the indices in the order given, duplicates kept, and `dy` as
  /// the values; no tensor of the table's size is made. Traps when an index is out of range or their
  /// number is not that of `idShape`.
  public mutating func rows(of table: Value, at indices: [Int], idShape: Shape) -> Value {
    let source = self[table]
    precondition(
      source.shape.rank >= 1 && indices.count == idShape.elementCount,
      "\(indices.count) rows of \(source.shape) for ids of shape \(idShape)")
    let rowShape = source.shape.row
    let width = rowShape.elementCount * source.dtype.byteCount
    let rowCount = source.shape[0]
    let output = Tensor(
      shape: Shape(idShape.dimensions + rowShape.dimensions), dtype: source.dtype
    ) { target in
      source.withUnsafeBytes { source in
        for (position, index) in indices.enumerated() where width > 0 {
          precondition(0..<rowCount ~= index, "row \(index) of a table of \(rowCount)")
          UnsafeMutableRawBufferPointer(
            rebasing: target[position * width..<(position + 1) * width]
          ).copyMemory(from: .init(rebasing: source[index * width..<(index + 1) * width]))
        }
      }
    }
    return record(output, from: [table]) { upstream in
      let values = upstream.reshaped(to: Shape([indices.count] + rowShape.dimensions))
      return [.rows(IndexedRows(indices: indices, values: values, shape: source.shape))]
    }
  }
}
