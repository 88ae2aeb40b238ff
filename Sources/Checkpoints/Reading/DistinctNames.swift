extension CheckpointManifest {
  /// Refuses variables whose names differ in nothing but how Unicode composes their letters, as `é` of one
  /// scalar and of two: Keras tells such layers apart, and here they are equal, so that the values of one
  /// could be taken for the other's.
  ///
  /// - Throws: `unsupported`.
  func requireDistinctNames(path: String) throws(CheckpointError) {
    var seen: [String: String] = [:]
    for entry in entries where !entry.name.utf8.allSatisfy({ $0 < 0x80 }) {
      guard let other = seen.updateValue(entry.name, forKey: entry.name),
        !other.utf8.elementsEqual(entry.name.utf8)
      else { continue }
      throw CheckpointError(
        .unsupported, "cannot read", path: path, object: entry.name,
        expected: "one variable of this name",
        found: "a second one that only composes its letters in another way:"
          + " \(Self.scalars(other)) and \(Self.scalars(entry.name))",
        cure: "rename the layer of one in Keras, and save again")
    }
  }

  /// A name in ASCII: what is no ASCII as the numbers of its scalars.
  private static func scalars(_ name: String) -> String {
    name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
  }
}
