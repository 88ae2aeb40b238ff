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
package func closestName(to name: String, among candidates: some Collection<String>) -> String? {
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
