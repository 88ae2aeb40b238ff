public import Checkpoints

/// Which tensors of a checkpoint a command looks at.
public struct TensorFilter: Sendable {
  /// Names must match one of these; all do when there are none.
  public var only: [Glob]
  /// And none of these.
  public var excluding: [Glob]
  /// ``CheckpointEntry/Role/keyword`` must be one of these; any is when there are none.
  public var roles: Set<String>

  public static let all = TensorFilter()

  public init(only: [Glob] = [], excluding: [Glob] = [], roles: Set<String> = []) {
    self.only = only
    self.excluding = excluding
    self.roles = roles
  }

  /// Whether a tensor is looked at: of slots the whole name counts, `accumulator/dense/kernel`, and
  /// that of the variable alone, `dense/kernel`.
  public func selects(_ entry: CheckpointEntry) -> Bool {
    guard roles.isEmpty || roles.contains(entry.role.keyword) else { return false }
    var names = [entry.name]
    if case .slot(_, _, let ownerName) = entry.role { names.append(ownerName) }
    func matches(_ patterns: [Glob]) -> Bool {
      patterns.contains { pattern in names.contains { pattern.matches($0) } }
    }
    return (only.isEmpty || matches(only)) && !matches(excluding)
  }
}
