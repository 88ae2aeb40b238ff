import Dispatch
package import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension TensorSource {
  /// Reads tensors of one element count side by side, and calls `body` for each block of them, on all
  /// processors at once.
  ///
  /// Memory is a few blocks for each processor, whatever the size of the tensors.
  ///
  /// - Parameter body: gets the positions of the block's elements, counted row-major, and the elements of
  ///   each source.
  /// - Returns: what `body` gave, in the order of the blocks.
  /// - Throws: what reading throws, of the first block that could not be read.
  package static func mapBlocks<Piece: Sendable>(
    of sources: [TensorSource], _ body: @Sendable (Range<Int>, [Tensor]) -> Piece
  ) throws(CheckpointError) -> [Piece] {
    let blocks = blocks(of: sources)
    let shared = Locked(SharedWork<Piece>(count: blocks.count))
    let workers = max(1, min(blocks.count, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      var tensors = sources.map { Tensor(zeros: [0], dtype: $0.dtype) }
      while let index = shared.withLock({ $0.nextIndex() }) {
        do throws(CheckpointError) {
          for (place, source) in sources.enumerated() {
            try source.read(blocks[index], into: &tensors[place])
          }
          let piece = body(blocks[index], tensors)
          shared.withLock { $0.pieces[index] = piece }
        } catch {
          shared.withLock { $0.record(error, at: index) }
        }
      }
    }
    let (pieces, failure) = shared.withLock { ($0.pieces, $0.failure) }
    if let failure { throw failure.error }
    return pieces.map { $0! }
  }

  private static func blocks(of sources: [TensorSource]) -> [Range<Int>] {
    guard let count = sources.first?.entry.shape.elementCount else { return [] }
    precondition(
      sources.allSatisfy { $0.entry.shape.elementCount == count }, "tensors of one size")
    let length = blockByteCount(of: sources) / sources.map(\.dtype.byteCount).min()!
    return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
  }

  private static func blockByteCount(of sources: [TensorSource]) -> Int {
    // A call of libhdf5 may inflate a whole chunk.
    if !sources.allSatisfy(\.isInPlace) { return 4 * DigestTable.blockByteCount }
    // Blocks of digests begin at the same positions as blocks of elements.
    if sources.contains(where: \.isVerified) { return DigestTable.blockByteCount }
    // Blocks of several tensors stay in the processor's cache while they are compared.
    return 256 << 10
  }
}

/// Which block is next, and what became of each.
private struct SharedWork<Piece> {
  var pieces: [Piece?]
  private var next = 0
  private(set) var failure: (index: Int, error: CheckpointError)?

  init(count: Int) { pieces = [Piece?](repeating: nil, count: count) }

  /// The next block that nobody does yet; nil when all are taken, or one has failed.
  mutating func nextIndex() -> Int? {
    guard failure == nil, next < pieces.count else { return nil }
    defer { next += 1 }
    return next
  }

  /// Blocks are taken in order, so the first one that fails is among those that did.
  mutating func record(_ error: CheckpointError, at index: Int) {
    if let failure, failure.index < index { return }
    failure = (index, error)
  }
}
