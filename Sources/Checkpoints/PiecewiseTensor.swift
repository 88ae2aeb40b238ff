import HDF5
import Tensors

/// A tensor of an open checkpoint that lies in the file as it is in memory, to be read piece by piece, from
/// several threads at once and with little memory.
///
/// Valid as long as the reader that gave it is.
package struct PiecewiseTensor: Sendable {
  package let entry: CheckpointEntry
  private let descriptor: Int32
  private let offset: Int
  private let digests: TensorDigests?
  private let path: String

  /// Bytes of a piece; the last may be shorter.
  package static let pieceByteCount = 4 << 20
  /// Bytes that are given at once: few enough to stay in the processor's cache.
  package static let stepByteCount = 256 << 10

  fileprivate init(
    _ entry: CheckpointEntry, descriptor: Int32, offset: Int, digests: TensorDigests?, path: String
  ) {
    self.entry = entry
    self.descriptor = descriptor
    self.offset = offset
    self.digests = digests
    self.path = path
  }

  package var pieceCount: Int { (entry.byteCount + Self.pieceByteCount - 1) / Self.pieceByteCount }

  /// Reads one piece and gives it to `body` in steps of whole elements.
  ///
  /// - Parameters:
  ///   - buffer: ``stepByteCount`` bytes, which are overwritten.
  ///   - verifying: whether the piece is compared with the digests of the file, if there are any. A
  ///     second reading can do without.
  /// - Throws: `unreadable`; `damaged`, after `body` has seen everything.
  package func readPiece(
    _ piece: Int, into buffer: UnsafeMutableRawBufferPointer, verifying: Bool = true,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(CheckpointError) {
    let start = piece * Self.pieceByteCount
    let end = min(start + Self.pieceByteCount, entry.byteCount)
    let found: [TensorDamage]
    do throws(SystemCallError) {
      if verifying, let digests {
        var check = TensorCheck(digests, from: start)
        try read(start..<end, into: buffer) { bytes in
          check.update(bytes)
          body(bytes)
        }
        found = check.damage
      } else {
        try read(start..<end, into: buffer, body)
        found = []
      }
    } catch {
      throw CheckpointError.reading(path, error)
    }
    if let damage = found.first { throw CheckpointError.damaged(path, entry.name, damage) }
  }

  private func read(
    _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(SystemCallError) {
    precondition(buffer.count >= Self.stepByteCount, "too small a buffer")
    for position in stride(from: range.lowerBound, to: range.upperBound, by: Self.stepByteCount) {
      let count = min(Self.stepByteCount, range.upperBound - position)
      let step = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
      try ReadableFile.read(descriptor, into: step, at: offset + position)
      body(UnsafeRawBufferPointer(step))
    }
  }
}

extension CheckpointReader {
  /// A tensor that several threads can read; nil for one that has to be decompressed or converted.
  ///
  /// - Throws: `damaged` when the digests of the file are of another tensor.
  package func piecewise(
    _ entry: CheckpointEntry
  ) throws(CheckpointError) -> PiecewiseTensor? {
    guard let offset = entry.byteOffset, entry.dtype != nil else { return nil }
    do {
      let file = storage.file(of: entry)
      return PiecewiseTensor(
        entry, descriptor: try storage.descriptor(of: entry), offset: offset,
        digests: try file?.digests(of: entry), path: file?.file.path ?? path)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// Reads any tensor from its beginning to its end, by one thread, and gives it to `body` in parts of
  /// whole rows.
  ///
  /// - Throws: what reading throws; `damaged`, after `body` has seen the damaged part.
  package func readInOrder(
    _ entry: CheckpointEntry, verifying: Bool = true, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(CheckpointError) {
    var check = try check(of: entry)
    for rows in entry.slabs(ofAtMost: PiecewiseTensor.pieceByteCount) {
      let part = try read(entry, rows: rows)
      if verifying { try check.update(part) }
      part.withUnsafeBytes(body)
    }
  }
}
