package import Optimizers
internal import Primitives
package import Tensors

extension Gradient {
  /// The gradient as one number per element; nil for `.none`. Rows of equal index are summed in their
  /// order.
  package var dense: Tensor? {
    switch self {
    case .none: return nil
    case .dense(let tensor): return tensor
    case .rows(let rows):
      var table = Tensor(zeros: rows.shape)
      rows.add(to: &table)
      return table
    }
  }

  /// Adds another contribution to the same variable: rows and rows are concatenated (never summed: an
  /// optimizer's rule may tell them apart), rows and dense give dense.
  package mutating func add(_ other: Gradient) {
    switch (self, other) {
    case (_, .none): break
    case (.none, _): self = other
    case (.dense(var sum), .dense(let addend)):
      self = .none  // the sum's storage is now held once, and is written in place
      requireSameShape(sum.shape, addend.shape)
      sum.withMutableElements(of: Float.self) { sum in
        addend.withElements(of: Float.self) { Primitives.add($0, to: sum) }
      }
      self = .dense(sum)
    case (.dense(var sum), .rows(let rows)):
      self = .none
      requireSameShape(sum.shape, rows.shape)
      rows.add(to: &sum)
      self = .dense(sum)
    case (.rows(let rows), .dense(var sum)):
      requireSameShape(sum.shape, rows.shape)
      rows.add(to: &sum)
      self = .dense(sum)
    case (.rows(let first), .rows(let second)): self = .rows(first.concatenated(with: second))
    }
  }
}

extension IndexedRows {
  /// Adds each entry to its row of `table`, in order.
  fileprivate func add(to table: inout Tensor) {
    let width = shape.row.elementCount
    table.withMutableElements(of: Float.self) { table in
      values.withElements(of: Float.self) { values in
        for (entry, row) in indices.enumerated() {
          Primitives.add(
            .init(rebasing: values[entry * width..<(entry + 1) * width]),
            to: .init(rebasing: table[row * width..<(row + 1) * width]))
        }
      }
    }
  }

  fileprivate func concatenated(with other: IndexedRows) -> IndexedRows {
    requireSameShape(shape, other.shape)
    let indices = indices + other.indices
    let (first, second) = (values, other.values)
    let both = Tensor(
      shape: Shape([indices.count] + shape.dimensions.dropFirst()), dtype: .float32
    ) { bytes in
      first.withUnsafeBytes { bytes.copyMemory(from: $0) }
      let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[first.byteCount...])
      second.withUnsafeBytes { rest.copyMemory(from: $0) }
    }
    return IndexedRows(indices: indices, values: both, shape: shape)
  }
}

func requireSameShape(_ a: Shape, _ b: Shape) {
  precondition(a == b, "shapes \(a) and \(b) differ")
}
