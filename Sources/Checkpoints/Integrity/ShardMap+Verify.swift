extension ShardMap {
  /// The map of sharded weights, compared with what follows from the shards that it leads to: no digest covers
  /// it, since the shards are written first.
  ///
  /// - Parameter tables: those of all shards.
  func item(path: String, tables: [DigestTable]) throws -> VerificationReport.Item {
    let file = try ReadableFile(path)
    let own = "/\(CairnGroup.path)/"
    let variableByteCount = tables.flatMap(\.records).reduce(0) { sum, record in
      sum + (record.kind == .dataset && !record.name.hasPrefix(own) ? record.byteCount : 0)
    }
    let expected = ShardMap(objects: objects, byteCount: variableByteCount, path: path)
    let written = Array(expected.text.utf8)
    var outcome = VerificationReport.Outcome.intact
    if try file.read(0..<file.byteCount) != written {
      // Whoever wrote it anew may have spelled the same otherwise.
      outcome =
        byteCount == Double(variableByteCount)
        ? .notCovered
        : .damaged(
          "expected \(variableByteCount) bytes of variables, as the files hold, found"
            + " \(byteCount.map { "\($0)" } ?? "none")", blocks: [])
    }
    return VerificationReport.Item(
      subject: .map, name: "map", file: path, fileOffset: 0, byteCount: file.byteCount,
      outcome: outcome)
  }
}
