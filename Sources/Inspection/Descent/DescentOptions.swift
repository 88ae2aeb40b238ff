/// What a user knows about the updates between two files, and the files do not tell.
public struct DescentOptions: Sendable, Hashable {
  /// The highest learning rate that was set between the two; nil takes the files' own.
  public var greatestLearningRate: Double?
  /// How often one step looks up the same row of an embedding, at most: the size of a batch times the
  /// length of its sequences is safe. Keras 3 does not sum repeated rows. Nil assumes
  /// ``assumedOccurrences``.
  public var occurrences: Int?

  /// Stands in for ``occurrences``. Beyond it nothing is called impossible.
  public static let assumedOccurrences = 1024

  public init(greatestLearningRate: Double? = nil, occurrences: Int? = nil) {
    self.greatestLearningRate = greatestLearningRate
    self.occurrences = occurrences
  }
}
