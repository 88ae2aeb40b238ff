public import Checkpoints

/// Which tensors of a checkpoint a command looks at.
public struct TensorFilter: Sendable {
  /// Names must match one of these; all do when there are none.
  public var only: [Glob]
  /// And none of these.
  public var excluding: [Glob]
  /// `CheckpointEntry.Role.keyword` must be one of these; any is when there are none.
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
    return (only.isEmpty || only.contains { $0.matchesName(of: entry) })
      && !excluding.contains { $0.matchesName(of: entry) }
  }

  /// Throws `refused` when a pattern matches no tensor of any of some checkpoints, with the name that may have
  /// been meant: whoever writes one wants it to match.
  package func requireNames(
    in manifests: [CheckpointManifest], to operation: String, path: String
  ) throws(CheckpointError) {
    let entries = manifests.flatMap(\.entries)
    for pattern in only + excluding where !entries.contains(where: pattern.matchesName) {
      throw CheckpointError(
        .refused, "cannot \(operation)", path: path,
        problem: "no tensor has a name like '\(pattern.pattern)'",
        cure: pattern.suggestion(among: entries.map(\.name)).map { "did you mean '\($0)'?" }
          ?? "checkpoint-inspect show without filters lists the names")
    }
  }

  /// The tensors of a checkpoint that are looked at, in order.
  ///
  /// - Throws: `refused` when there are none, or when a pattern of ``only`` matches none, with the name
  ///   that may have been meant.
  public func select(
    from manifest: CheckpointManifest, to operation: String, path: String
  ) throws(CheckpointError) -> [CheckpointEntry] {
    let entries = manifest.entries
    try requireNames(in: [manifest], to: operation, path: path)
    let selected = entries.filter(selects)
    guard !selected.isEmpty || entries.isEmpty else {
      let roles = Set(entries.map(\.role.keyword)).sorted().joined(separator: ", ")
      throw CheckpointError(
        .refused, "cannot \(operation)", path: path,
        problem: "the filters leave none of its \(entries.count) tensors",
        cure: "take fewer of them; the tensors' roles are: \(roles)")
    }
    return selected
  }
}

extension Glob {
  fileprivate func matchesName(of entry: CheckpointEntry) -> Bool {
    if case .slot(_, _, let ownerName) = entry.role, matches(ownerName) { return true }
    return matches(entry.name)
  }
}
