/// The bytes of a tensor: 64-byte aligned, fixed in size, freed with the last tensor that uses them.
///
/// A class because reference counting is what makes a copy free: two tensors share one storage until one
/// of them is written.
///
/// Sendable without a lock: the bytes are written only through a `Tensor` that holds the sole reference
/// (`isKnownUniquelyReferenced`), while no snapshot needs them (``hasSnapshots``) or after
/// ``PreImages/preserve(_:)``; or by a kernel into a storage that no tensor shares yet.
package final class TensorStorage: @unchecked Sendable {
  package static let alignment = TensorMemory.alignment

  package let byteCount: Int
  private let memory: TensorMemory
  /// Not nil in a snapshot: the memory is then another storage's, which may change it.
  private let preImages: PreImages?
  /// The snapshot's bytes, once somebody wanted them all at once.
  private let wholeCopy = Locked<TensorMemory?>(nil)

  /// Uninitialized bytes.
  package convenience init(byteCount: Int) { self.init(TensorMemory(byteCount: byteCount)) }

  private init(_ memory: TensorMemory, preImages: PreImages? = nil) {
    self.memory = memory
    self.preImages = preImages
    byteCount = memory.byteCount
  }

  deinit {
    if let preImages {
      memory.remove(preImages)
    } else {
      memory.forEachSnapshot { $0.fix() }
    }
  }

  package var base: UnsafeMutableRawPointer { preImages.map { base(of: $0) } ?? memory.base }

  package var bytes: UnsafeMutableRawBufferPointer { .init(start: base, count: byteCount) }
}

// MARK: - Replacing

extension TensorStorage {
  /// Whether these are the bytes of a snapshot, which must not be written.
  var isSnapshot: Bool { preImages != nil }

  /// Whether a write in place would be seen by a snapshot.
  var hasSnapshots: Bool { isSnapshot || memory.hasSnapshots }

  /// Another storage of this size, uninitialized. Without a pool it is fresh; with one, this one's bytes go
  /// there when nobody needs them.
  func replacement(from pool: StoragePool?) -> TensorStorage {
    guard let pool else { return TensorStorage(byteCount: byteCount) }
    if preImages == nil { pool.adopt(memory) }
    return TensorStorage(pool.memory(byteCount: byteCount))
  }

  /// Lets the bytes go to `pool` in the end.
  func join(_ pool: StoragePool) { if preImages == nil { pool.adopt(memory) } }

  /// The snapshots that must be told of a write in place.
  var snapshots: [PreImages] {
    var snapshots: [PreImages] = []
    memory.forEachSnapshot { snapshots.append($0) }
    return snapshots
  }
}

// MARK: - Snapshots

extension TensorStorage {
  /// Up to this size a copy is cheaper than to keep track of changes.
  private static let copiedByteCount = 4 << 10

  /// The bytes as they are now, whatever becomes of them here.
  func snapshot() -> TensorStorage {
    if preImages != nil { return self }
    guard byteCount > Self.copiedByteCount else {
      let copy = TensorStorage(byteCount: byteCount)
      copy.base.copyMemory(from: base, byteCount: byteCount)
      return copy
    }
    let preImages = PreImages(of: memory)
    memory.add(preImages)
    return TensorStorage(memory, preImages: preImages)
  }

  /// Whether reading bytes means copying them.
  var isCopiedWhenRead: Bool { preImages.map { $0.fixedMemory == nil } ?? false }

  /// The bytes at `range`, where they are if nobody can change them there, else copied to `scratch`.
  func bytes(
    _ range: Range<Int>, scratch: UnsafeMutableRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    guard let preImages else {
      return .init(start: base + range.lowerBound, count: range.count)
    }
    if let memory = preImages.fixedMemory {
      return .init(start: memory.base + range.lowerBound, count: range.count)
    }
    precondition(scratch.count >= range.count, "\(scratch.count) bytes do not hold \(range.count)")
    if let base = scratch.baseAddress { preImages.copy(range, to: base) }
    return .init(rebasing: UnsafeRawBufferPointer(scratch)[..<range.count])
  }

  /// Bytes that are kept because the original has changed them.
  package var keptByteCount: Int { preImages?.keptByteCount ?? 0 }

  func discard(_ range: Range<Int>) { preImages?.discard(range) }

  private func base(of snapshot: PreImages) -> UnsafeMutableRawPointer {
    wholeCopy.withLock { copy in
      if let copy { return copy.base }
      if let memory = snapshot.fixedMemory { return memory.base }
      let whole = TensorMemory(byteCount: byteCount)
      snapshot.copy(0..<byteCount, to: whole.base)
      copy = whole
      return whole.base
    }
  }
}
