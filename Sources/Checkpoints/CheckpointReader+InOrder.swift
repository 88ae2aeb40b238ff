package import Tensors

extension CheckpointReader {
  /// Reads a tensor from its first row to its last and gives it to `body` in pieces of whole rows, a few
  /// megabytes at a time. A scalar is one row.
  ///
  /// - Throws: what reading throws; `damaged`, before `body` sees the piece; and what `body` throws.
  package func forEachPiece(
    of entry: CheckpointEntry,
    _ body: (_ rows: Range<Int>, Tensor) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    var check = try check(of: entry)
    for rows in entry.slabs(ofAtMost: Self.pieceByteCount) {
      let piece = try read(entry, rows: rows)
      try check.update(piece)
      try body(rows, piece)
    }
  }

  /// Reads two tensors of one shape side by side, as ``forEachPiece(of:_:)`` reads one.
  package static func forEachPiece(
    of a: CheckpointEntry, in first: borrowing CheckpointReader,
    and b: CheckpointEntry, in second: borrowing CheckpointReader,
    _ body: (_ rows: Range<Int>, Tensor, Tensor) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    precondition(a.shape == b.shape, "\(a.name) of \(a.shape) beside one of \(b.shape)")
    var checkOfFirst = try first.check(of: a)
    var checkOfSecond = try second.check(of: b)
    for rows in a.slabs(ofAtMost: pieceByteCount) {
      let pieces = (try first.read(a, rows: rows), try second.read(b, rows: rows))
      try checkOfFirst.update(pieces.0)
      try checkOfSecond.update(pieces.1)
      try body(rows, pieces.0, pieces.1)
    }
  }

  /// Bytes of a piece, unless a row is larger.
  static var pieceByteCount: Int { 4 << 20 }
}
