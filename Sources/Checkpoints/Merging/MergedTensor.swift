import Tensors

/// What a merge makes of one tensor.
public struct MergedTensor: Sendable, Hashable {
  public let name: String
  /// ``CheckpointEntry/Role/keyword``.
  public let role: String
  public internal(set) var outcome: Outcome
  /// How many units (rows of a table; else the tensor as a whole) each side alone changed, both changed
  /// alike, and both changed differently.
  public internal(set) var counts = Counts()
  /// Whether the units are rows.
  public let isRowWise: Bool
  /// The first units in conflict, at most eight.
  public internal(set) var firstConflicts: [Int] = []
  /// |ours - base|, |theirs - base| and the cosine between the two changes, over the finite elements of a
  /// tensor of floating point; nil where they were not looked at, or a change is zero.
  public internal(set) var changes: Changes?
  /// In an unresolved conflict, why; else nil.
  public internal(set) var problem: String?

  public enum Outcome: String, Sendable, Hashable {
    /// No side changed it.
    case unchanged
    case ours
    case theirs
    /// Both changed it alike.
    case alike
    /// Some of it from each side.
    case combined
    /// Growths were added.
    case added
    /// Both changed it, and the strategy decided.
    case resolved
    /// Both changed it.
    case conflict
    /// It stays as ours has it, whatever theirs has.
    case kept
  }

  public struct Counts: Sendable, Hashable {
    public internal(set) var ours = 0
    public internal(set) var theirs = 0
    public internal(set) var alike = 0
    public internal(set) var conflicting = 0
    public internal(set) var total = 0
  }

  public struct Changes: Sendable, Hashable {
    public internal(set) var ours: Double
    public internal(set) var theirs: Double
    public internal(set) var cosine: Double?
  }

  init(_ entry: CheckpointEntry, _ rule: MergeRule, outcome: Outcome, problem: String? = nil) {
    name = entry.name
    role = entry.role.keyword
    isRowWise = rule.isRowWise
    self.outcome = outcome
    self.problem = problem
  }
}

/// A set of units, a bit each.
struct UnitSet: Sendable {
  private var words: [UInt64]

  init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) / 64) }

  mutating func insert(_ unit: Int) { words[unit / 64] |= 1 << UInt64(unit % 64) }
  func contains(_ unit: Int) -> Bool { words[unit / 64] >> UInt64(unit % 64) & 1 == 1 }
}
