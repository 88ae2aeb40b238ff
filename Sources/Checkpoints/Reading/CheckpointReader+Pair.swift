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
    try withPair(
      opening: (first, name: first), (second, name: second), verifying: verifying, body)
  }

  /// As ``withPair(opening:_:verifying:_:)``, of files that go by other names.
  package static func withPair<Result>(
    opening first: (file: String, name: String), _ second: (file: String, name: String),
    verifying: Bool = true,
    _ body: (borrowing CheckpointReader, borrowing CheckpointReader) throws(CheckpointError) ->
      Result
  ) throws(CheckpointError) -> Result {
    let after = try CheckpointReader(
      opening: second.file, named: second.name,
      architectureFrom: CheckpointReader(
        opening: first.file, named: first.name, verifying: verifying), verifying: verifying)
    let before = try CheckpointReader(
      opening: first.file, named: first.name, architectureFrom: after, verifying: verifying)
    return try body(before, after)
  }
}
