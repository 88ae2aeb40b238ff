import Tensors

/// Computes the digests of a file's tensors in the threads that write them, while the bytes are on their way
/// through the processor.
///
/// A class because the threads share it; Sendable because each digest has a place of its own, written by
/// the one thread that writes where its block begins, and is read when all are done; the tensors outlive
/// it.
final class BlockDigester: @unchecked Sendable {
  /// A block in memory, and where it goes.
  private struct Block {
    let fileOffset: Int
    /// Nil for a snapshot's, which are known when they are written.
    let bytes: UnsafeRawBufferPointer?
    let digest: Int
  }

  private var table: DigestTable
  /// In the order of the file.
  private let blocks: [Block]
  private let algorithm: DigestAlgorithm
  private let digests: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - table: with all places.
  ///   - tensors: those of the table's datasets, in its order, without bytes where a snapshot must be asked for
  ///     them, where they begin in the file, and whether their digests are wanted.
  init(
    _ table: DigestTable,
    _ tensors: [(bytes: UnsafeRawBufferPointer?, fileOffset: Int, isWanted: Bool)]
  ) {
    self.table = table
    algorithm = table.algorithm
    digests = .allocate(byteCount: table.digests.count, alignment: 8)
    digests.copyBytes(from: table.digests)
    var blocks: [Block] = []
    // The first record is that of the structure.
    for (record, tensor) in zip(table.records.dropFirst(), tensors) where tensor.isWanted {
      for block in 0..<record.digestCount {
        let range = record.range(ofBlock: block)
        blocks.append(
          Block(
            fileOffset: tensor.fileOffset + range.lowerBound,
            bytes: tensor.bytes.map { UnsafeRawBufferPointer(rebasing: $0[range]) },
            digest: record.firstDigest + block))
      }
    }
    self.blocks = blocks.sorted { $0.fileOffset < $1.fileOffset }
  }

  deinit { digests.deallocate() }

  /// Takes the digests of all blocks that begin in a part of the file. Each block is to be taken once.
  /// The bytes of a snapshot's block, which is such a part by itself, are given as `snapshot`.
  func add(_ part: Range<Int>, snapshot: UnsafeRawBufferPointer? = nil) {
    var index = blocks.partitioningIndex { $0.fileOffset >= part.lowerBound }
    while index < blocks.count, blocks[index].fileOffset < part.upperBound {
      guard let bytes = snapshot ?? blocks[index].bytes else {
        preconditionFailure("a block of a snapshot was not written by itself")
      }
      let place = blocks[index].digest * algorithm.byteCount
      algorithm.write(
        digestOf: bytes,
        to: UnsafeMutableRawBufferPointer(
          rebasing: digests[place..<place + algorithm.byteCount]))
      index += 1
    }
  }

  /// The table with all digests, when every block was added.
  func finished() -> DigestTable {
    table.setDigests(Array(digests))
    return table
  }
}

extension Array {
  /// The first index whose element satisfies a condition that, once met, holds to the end; `count` when
  /// none does.
  ///
  /// - Complexity: O(log n).
  fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
