/// The bytes of a tensor: 64-byte aligned, fixed in size, freed with the last tensor that uses them.
///
/// A class because reference counting is what makes a snapshot free: two tensors share one storage
/// until one of them is written.
///
/// Sendable without a lock: the bytes are written only through a `Tensor` that holds the sole
/// reference (`isKnownUniquelyReferenced`), or by a kernel into a storage that no tensor shares yet.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = 64

  package let byteCount: Int
  package let base: UnsafeMutableRawPointer

  /// Uninitialized bytes.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: max(byteCount, 1), alignment: Self.alignment)
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeMutableRawBufferPointer { .init(start: base, count: byteCount) }
}
