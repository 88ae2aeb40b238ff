extension CheckpointManifest {
  /// Refuses variables or layers whose names differ in nothing but how Unicode composes their letters, as `é`
  /// of one scalar and of two: Keras tells such layers apart, and here they are equal, so that the values of
  /// one could be taken for the other's.
  ///
  /// - Throws: `unsupported`.
  func requireDistinctNames(path: String) throws(CheckpointError) {
    var seen: [Substring: Substring] = [:]
    for entry in entries where !entry.name.utf8.allSatisfy({ $0 < 0x80 }) {
      let ends = entry.name.indices.filter { entry.name[$0] == "/" } + [entry.name.endIndex]
      for name in ends.map({ entry.name[..<$0] }) {
        guard let other = seen.updateValue(name, forKey: name),
          !other.utf8.elementsEqual(name.utf8)
        else { continue }
        throw CheckpointError(
          .unsupported, "cannot read", path: path, object: entry.name,
          expected: "one variable or layer of this name",
          found: "a second one that only composes its letters in another way:"
            + " \(Self.scalars(other)) and \(Self.scalars(name))",
          cure: "rename the layer of one in Keras, and save again")
      }
    }
  }

  /// A name in ASCII: what is no ASCII as the numbers of its scalars.
  private static func scalars(_ name: Substring) -> String {
    name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
  }
}
