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

  /// True when no tensor and no setting differs.
  public var isEmpty: Bool {
    configuration.isEmpty
      && items.allSatisfy { if case .equal = $0.outcome { true } else { false } }
  }

  /// Compares every tensor and setting of two files.
  ///
  /// A learning rate that only one layout stores as a variable is compared as a setting. Metrics are
  /// compared only where both files have them: one generation stores none.
  public init(
    _ first: borrowing CheckpointReader, _ second: borrowing CheckpointReader,
    tolerance: Tolerance = .exact
  ) throws(CheckpointError) {
    let before = first.manifest.entries
    let after = second.manifest.entries
    let afterByName = Dictionary(grouping: after, by: \.name)
    let beforeByName = Dictionary(grouping: before, by: \.name)

    for entry in before where beforeByName[entry.name]!.count > 1 || afterByName[entry.name] == nil
    {
      let isAmbiguous = beforeByName[entry.name]!.count > 1
      if !isAmbiguous, Self.isOptional(entry) { continue }
      items.append(
        Item(
          name: entry.name, before: entry, after: nil,
          outcome: isAmbiguous ? .ambiguous : .onlyInFirst))
    }
    for entry in before where beforeByName[entry.name]!.count == 1 {
      guard let candidates = afterByName[entry.name] else { continue }
      let outcome: Outcome
      if candidates.count > 1 {
        outcome = .ambiguous
      } else if candidates[0].shape != entry.shape {
        outcome = .shapeDiffers
      } else if candidates[0].dtype != entry.dtype {
        outcome = .dtypeDiffers
      } else {
        outcome = try Self.compare(entry, in: first, candidates[0], in: second, tolerance)
      }
      items.append(Item(name: entry.name, before: entry, after: candidates[0], outcome: outcome))
    }
    let order = Dictionary(before.enumerated().map { ($1.datasetPath, $0) }) { a, _ in a }
    items.sort { order[$0.before!.datasetPath]! < order[$1.before!.datasetPath]! }
    for entry in after where beforeByName[entry.name] == nil && !Self.isOptional(entry) {
      items.append(Item(name: entry.name, before: nil, after: entry, outcome: .onlyInSecond))
    }
    configuration = ConfigurationComparison.differences(
      between: first.manifest, and: second.manifest)
    notes = [first.manifest.borrowing, second.manifest.borrowing].compactMap { $0 }
  }

  /// Opens and compares two files; a weights file without architecture takes names and ties from the
  /// other file, as ``CheckpointReader/init(opening:architectureFrom:)`` does.
  public init(
    opening first: String, _ second: String, verifying: Bool = true,
    tolerance: Tolerance = .exact
  ) throws(CheckpointError) {
    let after = try CheckpointReader(
      opening: second,
      architectureFrom: CheckpointReader(opening: first, verifying: verifying),
      verifying: verifying)
    let before = try CheckpointReader(
      opening: first, architectureFrom: after, verifying: verifying)
    try self.init(before, after, tolerance: tolerance)
  }

  /// Whether a file may lack this entry without differing.
  private static func isOptional(_ entry: CheckpointEntry) -> Bool {
    [.learningRate, .lossScale, .other].contains(entry.role)
  }

  private static func compare(
    _ a: CheckpointEntry, in first: borrowing CheckpointReader, _ b: CheckpointEntry,
    in second: borrowing CheckpointReader, _ tolerance: Tolerance
  ) throws(CheckpointError) -> Outcome {
    guard a.dtype != nil else {
      throw CheckpointError(
        .unsupported, "cannot compare", path: first.path, object: a.datasetPath,
        expected: "numbers", found: "elements of type \(a.storedType)",
        cure: "compare files without it")
    }
    var comparison = TensorComparison()
    var checkOfFirst = try first.check(of: a)
    var checkOfSecond = try second.check(of: b)
    for rows in a.slabs(ofAtMost: 4 << 20) {
      let tensors = (try first.read(a, rows: rows), try second.read(b, rows: rows))
      try checkOfFirst.update(tensors.0)
      try checkOfSecond.update(tensors.1)
      comparison.add(tensors.0, tensors.1, tolerance: tolerance)
    }
    return comparison.changedCount == 0 ? .equal : .changed(comparison)
  }
}

extension CheckpointEntry {
  /// Ranges of rows (along the first axis) that cover the tensor in pieces of about `byteLimit`
  /// bytes; a scalar is one row.
  package func slabs(ofAtMost byteLimit: Int) -> [Range<Int>] {
    let rows = shape.rank == 0 ? 1 : shape[0]
    guard rows > 0 else { return [] }
    let step = max(1, byteLimit / max(1, byteCount / rows))
    return stride(from: 0, to: rows, by: step).map { $0..<min($0 + step, rows) }
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
