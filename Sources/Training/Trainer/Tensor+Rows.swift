package import Tensors

extension Tensor {
  /// A copy of consecutive rows. Traps when they are out of range.
  package func rows(_ rows: Range<Int>) -> Tensor {
    if rows == 0..<shape[0] { return self }
    return Tensor(shape: Shape([rows.count] + shape.row.dimensions), dtype: dtype) { target in
      let width = shape.row.elementCount * dtype.byteCount
      withUnsafeBytes { source in
        target.copyMemory(
          from: .init(rebasing: source[rows.lowerBound * width..<rows.upperBound * width]))
      }
    }
  }

  /// A copy of the given rows, in that order. Traps when one is out of range.
  package func rows(at indices: some Collection<Int>) -> Tensor {
    Tensor(shape: Shape([indices.count] + shape.row.dimensions), dtype: dtype) { target in
      let width = shape.row.elementCount * dtype.byteCount
      withUnsafeBytes { source in
        for (position, index) in indices.enumerated() where width > 0 {
          UnsafeMutableRawBufferPointer(
            rebasing: target[position * width..<(position + 1) * width]
          ).copyMemory(from: .init(rebasing: source[index * width..<(index + 1) * width]))
        }
      }
    }
  }

  /// All rows of tensors that agree in everything else. Traps when there is none.
  init(concatenatingRows parts: [Tensor]) {
    let count = parts.reduce(0) { $0 + $1.shape[0] }
    let shape = Shape([count] + parts[0].shape.row.dimensions)
    self.init(shape: shape, dtype: parts[0].dtype) { target in
      var offset = 0
      for part in parts {
        part.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + $0.count])
            .copyMemory(from: $0)
          offset += $0.count
        }
      }
    }
  }
}
