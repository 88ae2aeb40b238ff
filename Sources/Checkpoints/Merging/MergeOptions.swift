/// How a merge decides what both sides changed.
public enum MergeStrategy: String, Sendable, Hashable, CaseIterable {
  /// Takes it from the first side, slots with it.
  case ours
  /// Takes it from the second side, slots with it.
  case theirs
  /// The mean of the two sides.
  case average
  /// base + (ours - base) + (theirs - base): both changes, as task arithmetic has them (Ilharco et al.,
  /// *Editing Models with Task Arithmetic*, 2023). Of running means (moments, moving statistics), whose
  /// sums mean nothing, the mean of the two sides.
  case sumOfChanges = "sum-of-changes"
}

/// What a merge is told beside the three checkpoints.
public struct MergeOptions: Sendable {
  /// Nil: what both sides changed is a conflict.
  public var strategy: MergeStrategy?
  /// Whose settings count where both sides changed one; nil: those of a strategy that takes a side, else
  /// it is a conflict.
  public var settings: MergeSide?
  /// Variables that are merged row by row, beside the tables of embeddings.
  public var rowWise: [Glob]

  public init(
    strategy: MergeStrategy? = nil, settings: MergeSide? = nil, rowWise: [Glob] = []
  ) {
    self.strategy = strategy
    self.settings = settings
    self.rowWise = rowWise
  }

  /// Whose settings count; nil when that is open.
  var settingsSide: MergeSide? {
    switch (settings, strategy) {
    case (let side?, _): side
    case (nil, .ours): .ours
    case (nil, .theirs): .theirs
    case (nil, .average), (nil, .sumOfChanges), (nil, nil): nil
    }
  }
}

/// One of the two checkpoints that are merged.
public enum MergeSide: String, Sendable, Hashable, CaseIterable {
  case ours, theirs
}
