extension CheckpointReader {
  /// Opens two files to be compared; a weights file without architecture takes names and ties from the
  /// other one, as `init(opening:architectureFrom:)` does.
  ///
  /// - Throws: what opening throws, and what `body` throws.
  public static func withPair<Result>(
    opening first: String, _ second: String, verifying: Bool = true,
    _ body: (borrowing CheckpointReader, borrowing CheckpointReader) throws(CheckpointError) ->
      Result
  ) throws(CheckpointError) -> Result {
    let after = try CheckpointReader(
      opening: second,
      architectureFrom: CheckpointReader(opening: first, verifying: verifying),
      verifying: verifying)
    let before = try CheckpointReader(
      opening: first, architectureFrom: after, verifying: verifying)
    return try body(before, after)
  }
}
