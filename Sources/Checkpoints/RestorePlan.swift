import Tensors

/// What a restore would do, name by name, before anything is written.
public struct RestorePlan: Sendable {
  public struct Assignment: Sendable {
    public let source: CheckpointEntry
    public let target: CheckpointEntry
  }

  /// In the target's order.
  public let assignments: [Assignment]
  public let report: RestoreReport

  /// Pairs the entries of two checkpoints by canonical name.
  ///
  /// Metrics and optimizer variables without a proven owner take part only when `only` names them.
  /// A learning rate that one layout stores as a variable and the other in its configuration is no
  /// mismatch: it stays as the target has it, and the report notes so.
  ///
  /// - Parameter only: takes the matching names and leaves the rest of the target alone; nil takes
  ///   everything.
  public init(source: CheckpointManifest, target: CheckpointManifest, only: Glob? = nil) {
    var report = RestoreReport()
    func isSelected(_ entry: CheckpointEntry) -> Bool {
      if let only { only.matches(entry.name) } else { entry.role.isState }
    }
    let offered = Dictionary(grouping: source.entries, by: \.name)
    let wanted = Dictionary(grouping: target.entries, by: \.name)
    var assignments: [Assignment] = []

    for entry in target.entries {
      guard isSelected(entry) else {
        report.kept.append(entry.name)
        continue
      }
      let candidates = offered[entry.name] ?? []
      if candidates.count > 1 || wanted[entry.name]!.count > 1 {
        report.mismatched.append(
          .init(name: entry.name, problem: "the name stands for more than one tensor"))
      } else if let candidate = candidates.first {
        if let problem = Self.mismatch(candidate, entry) {
          report.mismatched.append(.init(name: entry.name, problem: problem))
        } else {
          assignments.append(.init(source: candidate, target: entry))
          report.restored.append(entry.name)
        }
      } else if entry.role == .learningRate {
        report.kept.append(entry.name)
        report.notes.append("the source stores no learning rate as a variable: the target keeps its own")
      } else {
        report.missing.append(
          .init(name: entry.name, suggestion: closestName(to: entry.name, among: offered.keys)))
      }
    }
    for entry in source.entries where isSelected(entry) && wanted[entry.name] == nil {
      if entry.role == .learningRate {
        report.notes.append("the target stores no learning rate as a variable: its configuration stays")
      } else {
        report.unused.append(
          .init(name: entry.name, suggestion: closestName(to: entry.name, among: wanted.keys)))
      }
    }
    self.assignments = assignments
    self.report = report
  }

  private static func mismatch(_ source: CheckpointEntry, _ target: CheckpointEntry) -> String? {
    if source.shape != target.shape {
      return "shape expected \(target.shape), found \(source.shape)"
    }
    if source.dtype == nil || target.dtype == nil {
      return "a tensor of type \(source.dtype == nil ? source.storedType : target.storedType) cannot be restored"
    }
    // A counter may be of any integer type; other numbers must not change by being carried over.
    if source.dtype != target.dtype, target.role != .iteration {
      return "dtype expected \(target.storedType), found \(source.storedType)"
    }
    return nil
  }
}

/// The outcome of a restore, planned or done. Strict: it happens whole or not at all.
public struct RestoreReport: Sendable {
  /// Taken from the source.
  public var restored: [String] = []
  /// Left as the target has them, by choice.
  public var kept: [String] = []
  /// Selected in the target, absent from the source.
  public var missing: [Unmatched] = []
  /// Selected in the source, absent from the target.
  public var unused: [Unmatched] = []
  /// In both, but not interchangeable.
  public var mismatched: [Mismatch] = []
  public var notes: [String] = []

  public struct Unmatched: Sendable, Hashable {
    public let name: String
    /// The closest name on the other side, if one is close.
    public let suggestion: String?
  }

  public struct Mismatch: Sendable, Hashable {
    public let name: String
    public let problem: String
  }

  public init() {}

  /// True when nothing selected is missing, unused or mismatched.
  public var isComplete: Bool { missing.isEmpty && unused.isEmpty && mismatched.isEmpty }

  /// One line that counts the obstacles and shows the first of each kind; empty when complete.
  public var summary: String {
    var parts: [String] = []
    if let first = mismatched.first {
      parts.append("\(mismatched.count) mismatched (\(first.name): \(first.problem))")
    }
    if let first = missing.first {
      parts.append("\(missing.count) missing from the source (\(first.description))")
    }
    if let first = unused.first {
      parts.append("\(unused.count) without a place in the target (\(first.description))")
    }
    return parts.joined(separator: ", ")
  }
}

extension RestoreReport.Unmatched: CustomStringConvertible {
  public var description: String {
    if let suggestion { "\(name): did you mean \(suggestion)?" } else { name }
  }
}

/// The candidate with the fewest single-character edits from `name`, if these are at most a third of
/// its length; of equals the first in alphabetical order.
func closestName(to name: String, among candidates: some Collection<String>) -> String? {
  var best: (name: String, distance: Int)?
  let limit = max(1, name.count / 3)
  for candidate in candidates.sorted() where abs(candidate.count - name.count) <= limit {
    let distance = editDistance(Array(name), Array(candidate))
    if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
  }
  return best?.name
}

/// Levenshtein's distance: insertions, deletions and replacements of one character.
private func editDistance(_ a: [Character], _ b: [Character]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substitution = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substitution, diagonal + 1, row[j] + 1)
    }
  }
  return row[b.count]
}
