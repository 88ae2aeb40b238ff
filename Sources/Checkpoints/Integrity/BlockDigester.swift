/// Computes the digests of a file while its tensors are written, in the threads that write them, and
/// writes them last.
///
/// A class because the threads share it; Sendable because each digest has a place of its own, written by
/// the one thread that writes the block, and is read when all are done.
final class BlockDigester: @unchecked Sendable {
  private var table: DigestTable
  /// The records of the datasets, in the order of the plan.
  private let datasets: [DigestTable.Record]
  private let algorithm: DigestAlgorithm
  private let digests: UnsafeMutableRawBufferPointer
  private let path: String
  private let start: Int

  /// - Parameters:
  ///   - table: with all places of the tensors.
  ///   - path: a file with the structure as it will stay, whose content begins at `start`.
  init(_ table: DigestTable, ofFile path: String, contentAt start: Int) throws(SystemCallError) {
    var table = table
    let content = try FileContent(path, from: start)
    try table.takeStructure(of: content)
    self.table = table
    self.path = path
    self.start = start
    datasets = table.records.filter { $0.kind == .dataset }
    algorithm = table.algorithm
    digests = .allocate(byteCount: table.digests.count, alignment: 8)
    digests.copyBytes(from: table.digests)
  }

  deinit { digests.deallocate() }

  /// Takes the digests of a piece of a tensor.
  ///
  /// - Parameters:
  ///   - dataset: its index in the plan.
  ///   - offset: where the piece begins in the tensor: at the beginning of a block. It ends at the end of
  ///     one, or of the tensor.
  func add(_ piece: UnsafeRawBufferPointer, of dataset: Int, at offset: Int) {
    let first = datasets[dataset].firstDigest + offset / DigestTable.blockByteCount
    let starts = stride(from: 0, to: piece.count, by: DigestTable.blockByteCount)
    for (block, start) in starts.enumerated() {
      let end = min(start + DigestTable.blockByteCount, piece.count)
      let digest = algorithm.digest(UnsafeRawBufferPointer(rebasing: piece[start..<end]))
      let place = (first + block) * algorithm.byteCount
      UnsafeMutableRawBufferPointer(rebasing: digests[place..<place + digest.count])
        .copyBytes(from: digest)
    }
  }

  /// Writes the digests, when every piece was added.
  func finish() throws(SystemCallError) {
    table.setDigests(Array(digests))
    try table.write(to: path, contentAt: start)
  }
}
