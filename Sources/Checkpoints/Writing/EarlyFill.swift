import CZlib
import Dispatch
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes tensors into a file that libhdf5 is still laying out, as soon as it has given them their places:
/// of many small tensors the layout takes longer than their bytes, and the disk works meanwhile.
///
/// A class because the thread that lays out and the one that writes share it. Sendable because what the first
/// keeps (``batch``, ``isWritten``) the second never touches, and what the second keeps nobody reads before
/// ``finish()`` has waited for it.
final class EarlyFill: @unchecked Sendable {
  /// Fewer tensors are laid out in no time.
  static let minimumDatasetCount = 256

  /// What has been done when the layout is.
  struct Outcome {
    /// By the datasets' positions in the plan.
    var isWritten: [Bool] = []
    /// The CRC-32 of each write.
    var checksums: [PlacedChecksum] = []
    /// The digests of all records, of which those of the datasets written are set.
    var digests: [UInt8] = []
  }

  private let file: NewFile
  private let datasets: [FilePlan.Dataset]
  /// Of which the places are still unknown.
  private let table: DigestTable?
  private let computesChecksums: Bool
  private let queue = DispatchQueue(label: "cairn.early-fill")

  /// Datasets side by side in the file that have not been handed over.
  private var batch = Batch()
  private var isWritten: [Bool]

  private var checksums: [PlacedChecksum] = []
  private var digests: [UInt8]
  private var failure: SystemCallError?

  private struct Batch {
    var indices: [Int] = []
    var start = 0
    var end = 0
  }

  /// Bytes that are handed over at once.
  private static let batchByteCount = 4 << 20

  /// - Parameter table: with the records of the datasets, in their order; nil for a file without digests.
  init(
    _ file: NewFile, _ datasets: [FilePlan.Dataset], table: DigestTable?, computesChecksums: Bool
  ) {
    self.file = file
    self.datasets = datasets
    self.table = table
    self.computesChecksums = computesChecksums
    isWritten = [Bool](repeating: false, count: datasets.count)
    digests = table?.digests ?? []
  }

  /// Takes the dataset at a position of the plan, whose elements begin at `offset` of the file.
  func place(_ index: Int, at offset: Int) {
    // A snapshot is asked for its elements piece by piece, in the order of the file.
    guard index < datasets.count, !datasets[index].value.isSnapshot else { return }
    let byteCount = datasets[index].value.byteCount
    guard byteCount > 0 else { return }
    if offset != batch.end || batch.end - batch.start >= Self.batchByteCount {
      handOver()
      batch.start = offset
    }
    batch.indices.append(index)
    batch.end = offset + byteCount
    isWritten[index] = true
  }

  /// Waits for everything that was placed.
  func finish() throws(SystemCallError) -> Outcome {
    handOver()
    wait()
    if let failure { throw failure }
    return Outcome(isWritten: isWritten, checksums: checksums, digests: digests)
  }

  /// Waits until nothing is written any more.
  func wait() { queue.sync {} }

  private func handOver() {
    let batch = batch
    self.batch = Batch(start: batch.end, end: batch.end)
    guard !batch.indices.isEmpty else { return }
    queue.async { self.write(batch) }
  }

  private func write(_ batch: Batch) {
    guard failure == nil else { return }
    let segments = batch.indices.map { index -> FileSegment in
      let bytes = UnsafeRawBufferPointer(datasets[index].value.storageForReading.bytes)
      digest(bytes, ofDataset: index)
      return .memory(bytes)
    }
    for write in GatheredWrite.covering(segments, from: batch.start) {
      if computesChecksums { checksums.append(PlacedChecksum(write)) }
      let code = write.perform(file.descriptor)
      if code != 0 {
        failure = SystemCallError("pwritev", code: code)
        return
      }
      file.beginWriting(write.offset, write.byteCount)
    }
  }

  private func digest(_ bytes: UnsafeRawBufferPointer, ofDataset index: Int) {
    guard let table else { return }
    // The first record is that of the structure.
    let record = table.records[1 + index]
    digests.withUnsafeMutableBytes { digests in
      for block in 0..<record.digestCount {
        let place = (record.firstDigest + block) * table.algorithm.byteCount
        table.algorithm.write(
          digestOf: UnsafeRawBufferPointer(rebasing: bytes[record.range(ofBlock: block)]),
          to: UnsafeMutableRawBufferPointer(
            rebasing: digests[place..<place + table.algorithm.byteCount]))
      }
    }
  }
}

/// The CRC-32 of a piece of a file.
struct PlacedChecksum {
  let offset: Int
  let byteCount: Int
  let checksum: UInt32

  init(_ write: GatheredWrite) {
    self.init(offset: write.offset, byteCount: write.byteCount, checksum: write.checksum)
  }

  init(offset: Int, byteCount: Int, checksum: UInt32) {
    self.offset = offset
    self.byteCount = byteCount
    self.checksum = checksum
  }

  /// That of the whole part of the file which the pieces cover from `start` on, without gaps.
  static func combined(_ pieces: [PlacedChecksum], from start: Int) -> UInt32 {
    pieces.filter { $0.offset >= start }.sorted { $0.offset < $1.offset }.reduce(0) { sum, piece in
      UInt32(crc32_combine(uLong(sum), uLong(piece.checksum), piece.byteCount))
    }
  }
}
