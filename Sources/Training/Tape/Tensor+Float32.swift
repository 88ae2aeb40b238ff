package import Tensors

extension Tensor {
  /// A new float32 tensor whose elements `initialize` writes, each one.
  package init(
    float32 shape: Shape, initializingWith initialize: (UnsafeMutableBufferPointer<Float>) -> Void
  ) {
    self.init(shape: shape, dtype: .float32) { bytes in
      initialize(bytes.bindMemory(to: Float.self))
    }
  }

  /// The elements of a float32 tensor. Traps on another dtype.
  package func withFloats<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
    withElements(of: Float.self, body)
  }

  /// The tensor under the shape (rows, last extent): what row-wise operators see. A scalar or vector
  /// is one row.
  package var matrixShape: (rows: Int, columns: Int) {
    guard shape.rank > 0 else { return (1, 1) }
    let columns = shape[-1]
    return (columns == 0 ? 0 : elementCount / columns, columns)
  }
}
