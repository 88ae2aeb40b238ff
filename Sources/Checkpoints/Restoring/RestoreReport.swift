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
