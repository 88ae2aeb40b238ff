public import Tensors

/// What a loss says about one variable.
public enum Gradient: Sendable {
  /// One number per element; the variable's shape and dtype.
  case dense(Tensor)
  /// Numbers for some rows only, as an embedding gives them: the rest is zero and never stored.
  case rows(IndexedRows)
  /// The loss does not depend on the variable.
  case none
}

/// Gradients of some rows of a table; a row may occur more than once.
public struct IndexedRows: Sendable {
  /// The first-axis index of each entry, in 0..<`shape[0]`; in order of appearance, duplicates kept.
  public let indices: [Int]
  /// The entries: shape `(indices.count, row...)`.
  public let values: Tensor
  /// The shape of the whole variable.
  public let shape: Shape

  /// Traps unless `values` holds one row of `shape` per index.
  public init(indices: [Int], values: Tensor, shape: Shape) {
    precondition(
      shape.rank >= 1
        && values.shape.dimensions == [indices.count] + shape.dimensions.dropFirst(),
      "values of shape \(values.shape) are not \(indices.count) rows of a variable of shape \(shape)"
    )
    self.indices = indices
    self.values = values
    self.shape = shape
  }
}
