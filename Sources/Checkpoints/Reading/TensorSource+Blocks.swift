package import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The blocks of some tensors that one thread takes, read side by side; see
/// ``TensorSource/withBlocks(of:threadCount:verifying:_:)``.
package struct TensorBlocks: ~Copyable {
  private let sources: [TensorSource]
  private let ranges: [Range<Int>]
  private let queue: PieceQueue
  private let isVerifying: Bool
  private var tensors: [Tensor]

  fileprivate init(
    _ sources: [TensorSource], _ ranges: [Range<Int>], _ queue: PieceQueue, isVerifying: Bool
  ) {
    self.sources = sources
    self.ranges = ranges
    self.queue = queue
    self.isVerifying = isVerifying
    tensors = sources.map { Tensor(zeros: [0], dtype: $0.dtype) }
  }

  /// A block that no thread has taken yet: its number, the positions of its elements, counted row-major, and
  /// the elements of each tensor. Nil when there is none.
  ///
  /// The memory is used again for the next block, unless the tensors are kept.
  ///
  /// - Throws: `unreadable`, `damaged`.
  package mutating func next() throws(CheckpointError) -> (
    index: Int, positions: Range<Int>, tensors: [Tensor]
  )? {
    guard let index = queue.next() else { return nil }
    do throws(CheckpointError) {
      for (place, source) in sources.enumerated() {
        try source.read(ranges[index], into: &tensors[place], verifying: isVerifying)
      }
    } catch {
      queue.fail(error, at: index)
      throw error
    }
    return (index, ranges[index], tensors)
  }
}

extension TensorSource {
  package static var defaultThreadCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Reads tensors of one element count side by side, in blocks, on several threads.
  ///
  /// Memory is a few blocks for each thread, whatever the size of the tensors.
  ///
  /// - Parameters:
  ///   - verifying: whether blocks are compared with the digests of the file, if there are any. A second
  ///     reading can do without.
  ///   - body: called once on each thread; takes blocks until there are none.
  /// - Throws: what reading throws, of the first block that could not be read; what `body` throws.
  package static func withBlocks(
    of sources: [TensorSource], threadCount: Int = defaultThreadCount, verifying: Bool = true,
    _ body: @Sendable (inout TensorBlocks) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let ranges = blocks(of: sources)
    try PieceQueue.perform(pieceCount: ranges.count, threadCount: threadCount) {
      (queue) throws(CheckpointError) in
      var blocks = TensorBlocks(sources, ranges, queue, isVerifying: verifying)
      try body(&blocks)
    }
  }

  /// Reads tensors of one element count side by side, and calls `body` for each block of them.
  ///
  /// - Parameter body: gets the positions of the block's elements, counted row-major, and the elements of
  ///   each source.
  /// - Returns: what `body` gave, in the order of the blocks.
  /// - Throws: what reading throws, of the first block that could not be read.
  package static func mapBlocks<Piece: Sendable>(
    of sources: [TensorSource], threadCount: Int = defaultThreadCount,
    _ body: @Sendable (Range<Int>, [Tensor]) -> Piece
  ) throws(CheckpointError) -> [Piece] {
    let pieces = Locked([Piece?](repeating: nil, count: blocks(of: sources).count))
    try withBlocks(of: sources, threadCount: threadCount) { (blocks) throws(CheckpointError) in
      while let block = try blocks.next() {
        let piece = body(block.positions, block.tensors)
        pieces.withLock { $0[block.index] = piece }
      }
    }
    return pieces.withLock { $0.map { $0! } }
  }

  /// Reads this tensor on the calling thread, block by block from the first element to the last. All blocks
  /// are read into the same memory, unless `body` keeps one.
  ///
  /// - Parameter verifying: whether blocks are compared with the digests of the file, if there are any.
  /// - Throws: what reading throws; what `body` throws.
  func forEachBlock(
    verifying: Bool = true, _ body: (Tensor) throws -> Void
  ) throws {
    var block = Tensor(zeros: [0], dtype: dtype)
    for positions in Self.blocks(of: [self]) {
      try read(positions, into: &block, verifying: verifying)
      try body(block)
    }
  }

  private static func blocks(of sources: [TensorSource]) -> [Range<Int>] {
    guard let count = sources.first?.entry.shape.elementCount else { return [] }
    precondition(
      sources.allSatisfy { $0.entry.shape.elementCount == count }, "tensors of one size")
    let length = blockByteCount(of: sources) / sources.map(\.dtype.byteCount).min()!
    return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
  }

  /// Blocks of several tensors stay in the processor's cache while they are worked on. All other sizes are
  /// multiples of this one.
  package static let smallestBlockByteCount = 256 << 10

  private static func blockByteCount(of sources: [TensorSource]) -> Int {
    // A call of libhdf5 may inflate a whole chunk.
    if !sources.allSatisfy(\.isInPlace) { return 4 * DigestTable.blockByteCount }
    // Blocks of digests begin at the same positions as blocks of elements.
    if sources.contains(where: \.isVerified) { return DigestTable.blockByteCount }
    return smallestBlockByteCount
  }
}
