/// Which tensors a restore carries, and under which names.
public struct RestoreSelection: Sendable {
  /// Names in the target, all unless one of these is to match.
  public var only: [Glob]
  /// Names in the target that are left alone.
  public var excluding: [Glob]
  /// From names of variables in the source to names in the target; of each variable the first rule that
  /// matches. Slots follow their variable.
  public var renames: [RenameRule]
  /// Nil for all state: weights, slots, counter and rate.
  public var parts: Set<Part>?
  public var weights: WeightsOrigin
  /// Whether optimizer variables without a proven owner are carried over in their order: the n-th of the
  /// source into the n-th of the target. Nothing but shapes checks this.
  public var assumesOrder: Bool

  public init(
    only: [Glob] = [], excluding: [Glob] = [], renames: [RenameRule] = [], parts: Set<Part>? = nil,
    weights: WeightsOrigin = .live, assumesOrder: Bool = false
  ) {
    self.only = only
    self.excluding = excluding
    self.renames = renames
    self.parts = parts
    self.weights = weights
    self.assumesOrder = assumesOrder
  }

  /// A part of the training state.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    case weight
    /// Everything that the optimizer keeps for a variable, averages included.
    case slot
    /// The moving averages alone.
    case average
    case iteration
    case learningRate = "learning-rate"
    /// The loss scale of Keras 3 and its counters.
    case lossScale = "loss-scale"
    /// Loss, metrics, and the optimizer's configuration.
    case configuration
  }

  /// What becomes the target's weights.
  public enum WeightsOrigin: String, Sendable, Hashable, CaseIterable {
    /// The source's weights.
    case live
    /// Their moving averages; variables without one, such as moving statistics, as they are.
    case average
  }
}

extension RestoreSelection {
  /// Whether a tensor of this name and role in the target takes part.
  func selects(_ name: String, _ role: CheckpointEntry.Role) -> Bool {
    guard only.isEmpty || only.contains(where: { $0.matches(name) }),
      !excluding.contains(where: { $0.matches(name) })
    else { return false }
    if let parts { return role.parts(assumingOrder: assumesOrder).contains(where: parts.contains) }
    return !only.isEmpty || role.isState || (role == .untied && assumesOrder)
  }

  /// Whether the optimizer's variables are meant as a whole.
  var wantsAllSlots: Bool { parts?.contains(.slot) ?? true && only.isEmpty }
}

extension CheckpointEntry.Role {
  fileprivate func parts(assumingOrder: Bool) -> [RestoreSelection.Part] {
    switch self {
    case .weight: [.weight]
    case .slot(slot: "average", _, _): [.slot, .average]
    case .slot: [.slot]
    case .iteration: [.iteration]
    case .learningRate: [.learningRate]
    case .lossScale: [.lossScale]
    case .untied: assumingOrder ? [.slot] : []
    case .other: []
    }
  }
}

/// A change of variables' names: `encoder/*=backbone/*`.
public struct RenameRule: Sendable, Hashable {
  public let from: Glob
  /// Each `*` stands for what the same `*` of `from` matched.
  public let to: String
  private let pieces: [String]

  /// Nil unless both sides are there, the left one is a pattern, and both have equally many `*`.
  public init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="),
      let from = Glob(String(text[..<equals]))
    else { return nil }
    let to = String(text[text.index(after: equals)...])
    let pieces = to.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    guard !from.pattern.isEmpty, !to.isEmpty, pieces.count == from.runCount + 1 else { return nil }
    self.from = from
    self.to = to
    self.pieces = pieces
  }

  /// The new name; nil when the rule does not apply.
  public func renamed(_ name: String) -> String? {
    guard let captures = from.captures(in: name) else { return nil }
    return zip(captures, pieces.dropFirst()).reduce(pieces[0]) { $0 + $1.0 + $1.1 }
  }
}
