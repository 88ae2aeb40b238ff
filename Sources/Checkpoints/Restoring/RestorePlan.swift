import Tensors

/// What a restore would do, name by name, before anything is written.
public struct RestorePlan: Sendable {
  public struct Assignment: Sendable {
    public let source: CheckpointEntry
    public let target: CheckpointEntry
  }

  /// In the target's order.
  public let assignments: [Assignment]
  /// Whether the target gets the source's loss, metrics and optimizer configuration.
  public let takesConfiguration: Bool
  public let report: RestoreReport
  /// Whether a weight, not only what the optimizer keeps, is in the way of the restore.
  let isShortOfWeights: Bool

  /// Pairs the entries of two checkpoints by canonical name: ``init(source:target:selection:)`` of the
  /// names that match `only`.
  public init(source: CheckpointManifest, target: CheckpointManifest, only: Glob?) {
    self.init(
      source: source, target: target,
      selection: RestoreSelection(only: only.map { [$0] } ?? []))
  }

  /// Pairs the entries of two checkpoints by canonical name, after the renames.
  ///
  /// Metrics take part only when a pattern names them, optimizer variables without a proven owner
  /// likewise, or in their order when that is to be assumed. A learning rate that one layout stores as
  /// a variable and the other in its configuration is no mismatch: it stays as the target has it, and
  /// the report notes so; likewise a loss scale that one side has. A pattern that fits nothing on either
  /// side is reported as missing.
  public init(
    source: CheckpointManifest, target: CheckpointManifest,
    selection: RestoreSelection = RestoreSelection()
  ) {
    var report = RestoreReport()
    report.notes = source.notes
    let offers = RestoreOffer.all(of: source, for: target, selection, &report)
    let offered = Dictionary(grouping: offers, by: \.name)
    let wanted = Dictionary(grouping: target.entries, by: \.name)
    // What somebody may have meant by a name without a counterpart is a name without one, too.
    let surplus = offered.keys.filter { wanted[$0] == nil }
    let vacant = wanted.keys.filter { offered[$0] == nil }
    var assignments: [Assignment] = []

    for entry in target.entries {
      guard selection.selects(entry.name, entry.role) else {
        report.kept.append(entry.name)
        continue
      }
      let candidates = offered[entry.name] ?? []
      if candidates.count > 1 || wanted[entry.name]!.count > 1 {
        report.mismatched.append(
          .init(name: entry.name, problem: "the name stands for more than one tensor"))
      } else if let candidate = candidates.first?.entry {
        if let problem = Self.mismatch(candidate, entry) {
          report.mismatched.append(.init(name: entry.name, problem: problem))
        } else {
          assignments.append(.init(source: candidate, target: entry))
          report.restored.append(entry.name)
        }
      } else if entry.role == .learningRate {
        report.kept.append(entry.name)
        report.notes.append(
          "the source stores no learning rate as a variable: the target keeps its own")
      } else if entry.role == .lossScale {
        report.kept.append(entry.name)
        report.notes.append("the source stores no \(entry.name): the target keeps its own")
      } else {
        report.missing.append(
          .init(name: entry.name, suggestion: Suggestion.nearest(to: entry.name, among: surplus)))
      }
    }
    for offer in offers
    where selection.selects(offer.name, offer.role) && wanted[offer.name] == nil {
      if offer.role == .learningRate {
        report.notes.append(
          "the target stores no learning rate as a variable: its configuration stays")
      } else if offer.role == .lossScale {
        report.notes.append("the target has no place for the source's \(offer.name)")
      } else {
        report.unused.append(
          .init(name: offer.name, suggestion: Suggestion.nearest(to: offer.name, among: vacant)))
      }
    }
    let names = Set(offered.keys).union(wanted.keys)
    for pattern in (selection.only + selection.excluding)
    where !names.contains(where: pattern.matches) {
      report.missing.append(
        .init(name: pattern.pattern, suggestion: pattern.suggestion(among: names)))
    }
    takesConfiguration = selection.parts?.contains(.configuration) == true
    if takesConfiguration {
      if source.training == nil {
        report.missing.append(.init(name: "configuration", suggestion: nil))
      } else {
        report.restored.append("configuration")
        if target.entries.contains(where: { $0.role == .learningRate }),
          selection.parts?.contains(.learningRate) == false
        {
          report.notes.append(
            "the rate in force is the target's variable learning_rate, not the configured one")
        }
      }
    }
    self.assignments = assignments
    self.report = report
    let ofOptimizer = Set(
      (offers.map { ($0.name, $0.role) } + target.entries.map { ($0.name, $0.role) })
        .filter { $0.1.isOfOptimizer }.map(\.0))
    let unfit =
      report.missing.map(\.name) + report.unused.map(\.name) + report.mismatched.map(\.name)
    isShortOfWeights = !unfit.allSatisfy(ofOptimizer.contains)
  }

  private static func mismatch(_ source: CheckpointEntry, _ target: CheckpointEntry) -> String? {
    if source.shape != target.shape {
      return "shape expected \(target.shape), found \(source.shape)"
    }
    if source.dtype == nil || target.dtype == nil {
      return
        "a tensor of type \(source.dtype == nil ? source.storedType : target.storedType) cannot be restored"
    }
    // A counter may be of any integer type; other numbers must not change by being carried over.
    if source.dtype != target.dtype, target.role != .iteration {
      return "dtype expected \(target.storedType), found \(source.storedType)"
    }
    return nil
  }
}

extension CheckpointEntry.Role {
  /// Whether only an optimizer has such a thing.
  fileprivate var isOfOptimizer: Bool {
    switch self {
    case .slot, .iteration, .learningRate, .lossScale, .untied: true
    case .weight, .other: false
    }
  }
}
