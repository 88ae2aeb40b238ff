#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The bytes of a tensor: 64-byte aligned, fixed in size, freed with the last tensor that uses them.
///
/// A class because reference counting is what makes a snapshot free: two tensors share one storage
/// until one of them is written.
///
/// Sendable without a lock: the bytes are written only through a `Tensor` that holds the sole
/// reference (`isKnownUniquelyReferenced`), or by a kernel into a storage that no tensor shares yet.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = 64
  /// From this size on memory is asked for in huge pages: scattered rows of a table then cost fewer
  /// walks through page tables, and fresh memory fewer faults.
  private static let hugePageThreshold = 8 << 20
  private static let hugePageByteCount = 2 << 20

  package let byteCount: Int
  package let base: UnsafeMutableRawPointer

  /// Uninitialized bytes.
  package init(byteCount: Int) {
    self.byteCount = byteCount
    let isLarge = byteCount >= Self.hugePageThreshold
    base = .allocate(
      byteCount: max(byteCount, 1),
      alignment: isLarge ? Self.hugePageByteCount : Self.alignment)
    #if os(Linux)
      // Advice: a kernel without huge pages goes on with small ones.
      if isLarge { _ = madvise(base, byteCount, MADV_HUGEPAGE) }
    #endif
  }

  deinit { base.deallocate() }

  package var bytes: UnsafeMutableRawBufferPointer { .init(start: base, count: byteCount) }
}
