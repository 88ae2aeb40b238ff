internal import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes, 64-byte aligned and fixed in number. They are freed, or go back to the pool that they came
/// from, when nobody needs them any more.
///
/// A class because a storage that is written and the snapshots of it share one memory, each without
/// seeming to be a second user of the other's tensor.
///
/// Sendable: the bytes are written as ``TensorStorage`` and ``PreImages`` say, all else is behind locks.
final class TensorMemory: @unchecked Sendable {
  static let alignment = 64
  /// From this size on memory is asked for in huge pages: scattered rows of a table then cost fewer
  /// walks through page tables, and fresh memory fewer faults.
  private static let hugePageThreshold = 8 << 20
  private static let hugePageByteCount = 2 << 20

  let byteCount: Int
  let base: UnsafeMutableRawPointer
  private let state: Locked<State>
  private let snapshotCount = Atomic<Int>(0)

  private struct State {
    /// Where the bytes go in the end; nil if they are freed.
    var pool: StoragePool?
    /// The snapshots that still need what this memory holds.
    var snapshots: [PreImages] = []
  }

  /// Uninitialized bytes.
  init(byteCount: Int) {
    self.byteCount = byteCount
    base = Self.allocate(byteCount: byteCount)
    state = Locked(State())
  }

  /// Takes over bytes of a pool.
  init(_ base: UnsafeMutableRawPointer, byteCount: Int, of pool: StoragePool) {
    self.byteCount = byteCount
    self.base = base
    state = Locked(State(pool: pool))
  }

  deinit {
    if let pool = state.withLock({ $0.pool }) {
      pool.take(base, byteCount: byteCount)
    } else {
      base.deallocate()
    }
  }

  static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    let isLarge = byteCount >= hugePageThreshold
    let base = UnsafeMutableRawPointer.allocate(
      byteCount: max(byteCount, 1), alignment: isLarge ? hugePageByteCount : alignment)
    #if os(Linux)
      // Advice: a kernel without huge pages goes on with small ones.
      if isLarge { _ = madvise(base, byteCount, MADV_HUGEPAGE) }
    #endif
    return base
  }

  /// Lets the bytes go to `newPool` in the end, unless they belong to a pool already.
  ///
  /// - Returns: whether they did not.
  func join(_ newPool: StoragePool) -> Bool {
    state.withLock { state in
      if state.pool != nil { return false }
      state.pool = newPool
      return true
    }
  }
}

// MARK: - Snapshots

extension TensorMemory {
  /// Whether a snapshot needs what this memory holds.
  var hasSnapshots: Bool { snapshotCount.load(ordering: .acquiring) > 0 }

  func add(_ snapshot: PreImages) {
    state.withLock { state in
      state.snapshots.append(snapshot)
      snapshotCount.store(state.snapshots.count, ordering: .releasing)
    }
  }

  func remove(_ snapshot: PreImages) {
    state.withLock { state in
      state.snapshots.removeAll { $0 === snapshot }
      snapshotCount.store(state.snapshots.count, ordering: .releasing)
    }
  }

  /// Calls `body` with each snapshot that needs what this memory holds.
  func forEachSnapshot(_ body: (PreImages) -> Void) {
    guard hasSnapshots else { return }
    state.withLock { $0.snapshots.forEach(body) }
  }
}
