import Tensors

/// What differs between two checkpoint files, whatever their layouts.
public struct CheckpointDiff: Sendable {
  public struct Item: Sendable {
    /// The canonical name that pairs the two entries.
    public let name: String
    public let before: CheckpointEntry?
    public let after: CheckpointEntry?
    public let outcome: Outcome
  }

  public enum Outcome: Sendable {
    case equal
    case changed(TensorComparison)
    case onlyInFirst
    case onlyInSecond
    case shapeDiffers
    case dtypeDiffers
    /// The name stands for several tensors in one of the files.
    case ambiguous
  }

  /// A setting that differs; a missing one is nil.
  public struct ConfigurationDifference: Sendable, Hashable {
    /// Where: `optimizer.learning_rate`, `model.layers[2].config.units`, `resumption.epoch`.
    public let path: String
    public let before: String?
    public let after: String?
  }

  /// In the first file's order, then what only the second has.
  public private(set) var items: [Item] = []
  public private(set) var configuration: [ConfigurationDifference] = []
  /// What stood in from one file where the other does not tell it.
  public private(set) var notes: [String] = []

  /// Leaves out other tensors; settings and notes stay.
  package mutating func keep(where isKept: (CheckpointEntry) -> Bool) {
    items.removeAll { !isKept(($0.before ?? $0.after)!) }
  }

  /// True when no tensor and no setting differs.
  public var isEmpty: Bool {
    configuration.isEmpty
      && items.allSatisfy { if case .equal = $0.outcome { true } else { false } }
  }

  /// Two entries of one name, shape and dtype.
  package struct Pair: Sendable {
    package let before: CheckpointEntry
    package let after: CheckpointEntry
  }

  /// Compares every tensor and setting of two files.
  ///
  /// A learning rate that only one layout stores as a variable is compared as a setting. Metrics are
  /// compared only where both files have them: one generation stores none.
  public init(
    _ first: borrowing CheckpointReader, _ second: borrowing CheckpointReader,
    tolerance: Tolerance = .exact
  ) throws(CheckpointError) {
    let pairs = try Self.pairs(first, second)
    var comparisons: [TensorComparison] = []
    for pair in pairs {
      let sources = try first.sources(of: [pair.before]) + second.sources(of: [pair.after])
      comparisons.append(try Self.compare(sources, tolerance))
    }
    self.init(first.manifest, second.manifest, comparisons: Array(zip(pairs, comparisons)))
  }

  private static func compare(
    _ sources: [TensorSource], _ tolerance: Tolerance
  ) throws(CheckpointError) -> TensorComparison {
    let pieces = try TensorSource.mapBlocks(of: sources) { positions, tensors in
      var piece = TensorComparison()
      piece.add(tensors[0], tensors[1], tolerance: tolerance, at: positions.lowerBound)
      return piece
    }
    var comparison = TensorComparison()
    for piece in pieces { comparison.append(piece) }
    return comparison
  }

  /// The tensors of two files that can be compared element by element, in the first file's order.
  package static func pairs(
    _ first: borrowing CheckpointReader, _ second: borrowing CheckpointReader
  ) throws(CheckpointError) -> [Pair] {
    let beforeByName = Dictionary(grouping: first.manifest.entries, by: \.name)
    let afterByName = Dictionary(grouping: second.manifest.entries, by: \.name)
    var pairs: [Pair] = []
    for before in first.manifest.entries where beforeByName[before.name]!.count == 1 {
      guard let candidates = afterByName[before.name], candidates.count == 1,
        candidates[0].shape == before.shape, candidates[0].dtype == before.dtype
      else { continue }
      guard before.dtype != nil else {
        throw CheckpointError(
          .unsupported, "cannot compare", path: first.path, object: before.datasetPath,
          expected: "numbers", found: "elements of type \(before.storedType)",
          cure: "compare files without it")
      }
      pairs.append(Pair(before: before, after: candidates[0]))
    }
    return pairs
  }

  /// - Parameter comparisons: of all ``pairs(_:_:)``.
  package init(
    _ first: CheckpointManifest, _ second: CheckpointManifest,
    comparisons: [(Pair, TensorComparison)]
  ) {
    let before = first.entries
    let after = second.entries
    let afterByName = Dictionary(grouping: after, by: \.name)
    let beforeByName = Dictionary(grouping: before, by: \.name)
    let comparisonByName = Dictionary(
      comparisons.map { ($0.0.before.name, $0.1) }
    ) { first, _ in first }
    for entry in before {
      let item: Item
      if beforeByName[entry.name]!.count > 1 {
        item = Item(name: entry.name, before: entry, after: nil, outcome: .ambiguous)
      } else if let candidates = afterByName[entry.name] {
        let outcome: Outcome
        if candidates.count > 1 {
          outcome = .ambiguous
        } else if candidates[0].shape != entry.shape {
          outcome = .shapeDiffers
        } else if candidates[0].dtype != entry.dtype {
          outcome = .dtypeDiffers
        } else {
          let comparison = comparisonByName[entry.name]!
          outcome = comparison.changedCount == 0 ? .equal : .changed(comparison)
        }
        item = Item(name: entry.name, before: entry, after: candidates[0], outcome: outcome)
      } else if Self.isOptional(entry) {
        continue
      } else {
        item = Item(name: entry.name, before: entry, after: nil, outcome: .onlyInFirst)
      }
      items.append(item)
    }
    for entry in after where beforeByName[entry.name] == nil && !Self.isOptional(entry) {
      items.append(Item(name: entry.name, before: nil, after: entry, outcome: .onlyInSecond))
    }
    configuration = ConfigurationComparison.differences(between: first, and: second)
    notes = [first.borrowing, second.borrowing].compactMap { $0 }
  }

  /// Opens and compares two files, as ``CheckpointReader/withPair(opening:_:verifying:_:)`` opens them.
  public init(
    opening first: String, _ second: String, verifying: Bool = true,
    tolerance: Tolerance = .exact
  ) throws(CheckpointError) {
    self = try CheckpointReader.withPair(opening: first, second, verifying: verifying) {
      (before, after) throws(CheckpointError) in
      try Self(before, after, tolerance: tolerance)
    }
  }

  /// Whether a file may lack this entry without differing.
  private static func isOptional(_ entry: CheckpointEntry) -> Bool {
    [.learningRate, .lossScale, .other].contains(entry.role)
  }
}

extension CheckpointDiff.Outcome {
  /// The word for this outcome in machine-readable output.
  public var keyword: String {
    switch self {
    case .equal: "equal"
    case .changed: "changed"
    case .onlyInFirst: "onlyInFirst"
    case .onlyInSecond: "onlyInSecond"
    case .shapeDiffers: "shapeDiffers"
    case .dtypeDiffers: "dtypeDiffers"
    case .ambiguous: "ambiguous"
    }
  }
}
