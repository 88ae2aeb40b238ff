import KerasConfiguration
import Tensors

/// What a three-way merge of checkpoints would do, tensor by tensor, before anything is written.
///
/// All tensors of the three are read once, in pieces; none stays in memory. See <doc:Merging>.
public struct CheckpointMerge: Sendable {
  /// In the order of ours; then what only theirs has.
  public private(set) var tensors: [MergedTensor] = []
  /// Settings that both sides changed, each otherwise.
  public private(set) var settings: [SettingConflict] = []
  public private(set) var notes: [String] = []
  public let options: MergeOptions

  /// What is to be written, in the order of ours.
  var assignments: [Assignment] = []
  /// The configuration of the merged checkpoint, where it is not that of ours.
  var training: TrainingConfiguration?
  /// The merged rate in force; nil where that is the business of the configuration.
  var learningRate: Double?
  /// The sum of the updates of both sides; nil where one side's are all there are.
  var iterations: Int64?

  /// A tensor whose elements change.
  struct Assignment: Sendable {
    let rule: MergeRule
    let base: CheckpointEntry
    let ours: CheckpointEntry
    let theirs: CheckpointEntry
    /// Units that both sides changed.
    let conflicts: UnitSet
    /// The same of the variable that a slot belongs to.
    var followed: UnitSet?
    /// Whether an element is smaller than in base.
    var falls = false
  }

  /// True when nothing is in conflict that the options do not decide.
  public var isComplete: Bool {
    tensors.allSatisfy { $0.outcome != .conflict } && settings.allSatisfy { $0.resolution != nil }
  }

  /// Compares the three, tensors paired by canonical name, whatever the layouts.
  ///
  /// - Throws: what reading throws.
  public init(
    base: borrowing CheckpointReader, ours: borrowing CheckpointReader,
    theirs: borrowing CheckpointReader, options: MergeOptions = MergeOptions()
  ) throws(CheckpointError) {
    self.options = options
    notes = [base.manifest, ours.manifest, theirs.manifest].compactMap(\.borrowing)
    var conflictsOfVariables: [String: UnitSet] = [:]
    for entry in ours.manifest.entries {
      let rule = MergeRule(entry, options)
      // Whether a rate is a variable depends on the layout: it is merged as a setting.
      if entry.role == .learningRate { continue }
      guard rule != .kept else {
        tensors.append(MergedTensor(entry, rule, outcome: .kept))
        continue
      }
      let found = (base.manifest.entry(named: entry.name), theirs.manifest.entry(named: entry.name))
      if let problem = Self.problem(entry, rule, found) {
        addUnpaired(entry, rule, problem)
        continue
      }
      guard let inBase = found.0, let inTheirs = found.1 else { continue }
      var scan = UnitScan(entry, rule)
      try Self.forEachPiece(of: (inBase, entry, inTheirs), base, ours, theirs) {
        (rows, a, b, c) throws(CheckpointError) in
        scan.add(rows, base: a, ours: b, theirs: c)
      }
      scan.finish()
      add(entry, rule, inBase, inTheirs, scan, &conflictsOfVariables)
    }
    for entry in theirs.manifest.entries
    where entry.role.isState && ours.manifest.entry(named: entry.name) == nil {
      if entry.role == .learningRate { continue }
      addUnpaired(entry, MergeRule(entry, options), "ours has no such tensor")
    }
    settleCounter(base.manifest, ours.manifest, theirs.manifest)
    try mergeSettings(base.manifest, ours.manifest, theirs.manifest)
  }

  // MARK: Tensors

  /// Why three tensors of a name cannot be merged; nil when they can.
  private static func problem(
    _ ours: CheckpointEntry, _ rule: MergeRule,
    _ found: (base: CheckpointEntry?, theirs: CheckpointEntry?)
  ) -> String? {
    for (side, entry) in [("base", found.base), ("theirs", found.theirs)] {
      guard let entry else {
        return "\(side) has no such tensor"
      }
      if entry.shape != ours.shape {
        return "shape \(ours.shape) in ours, \(entry.shape) in \(side)"
      }
      if entry.dtype == nil || (entry.dtype != ours.dtype && rule != .counter) {
        return "dtype \(ours.storedType) in ours, \(entry.storedType) in \(side)"
      }
    }
    return nil
  }

  private mutating func addUnpaired(_ entry: CheckpointEntry, _ rule: MergeRule, _ problem: String)
  {
    // Ours may be kept as it is; nothing else has a meaning.
    let isKept = options.strategy == .ours
    tensors.append(
      MergedTensor(
        entry, rule, outcome: isKept ? .kept : .conflict, problem: isKept ? nil : problem))
  }

  private mutating func add(
    _ ours: CheckpointEntry, _ rule: MergeRule, _ base: CheckpointEntry,
    _ theirs: CheckpointEntry, _ scan: UnitScan, _ conflictsOfVariables: inout [String: UnitSet]
  ) {
    var tensor = MergedTensor(ours, rule, outcome: .unchanged)
    let counts = scan.counts
    tensor.counts = counts
    var assignment = Assignment(
      rule: rule, base: base, ours: ours, theirs: theirs, conflicts: scan.conflicts)
    switch ours.role {
    case .weight: conflictsOfVariables[ours.name] = scan.conflicts
    case .slot(_, _, let ownerName): assignment.followed = conflictsOfVariables[ownerName]
    default: break
    }
    if counts.conflicting > 0 {
      if ours.dtype?.isFloatingPoint == true { tensor.changes = scan.changes }
      tensor.firstConflicts = scan.firstConflicts
      tensor.outcome = outcome(of: rule, falls: scan.falls)
      if tensor.outcome == .conflict {
        tensor.problem =
          rule.isGrowth
          ? "smaller than in base on some side, so that there is no growth to add"
          : "both sides changed it"
      }
    } else if counts.theirs > 0 {
      tensor.outcome = counts.ours + counts.alike > 0 ? .combined : .theirs
    } else if counts.ours > 0 {
      tensor.outcome = .ours
    } else if counts.alike > 0 {
      tensor.outcome = .alike
    }
    assignment.falls = scan.falls
    tensors.append(tensor)
    let followsASide = rule.isGrowth && options.strategy?.side != nil
    if counts.theirs > 0 || counts.conflicting > 0 || followsASide {
      assignments.append(assignment)
    }
  }

  /// What becomes of a tensor that both sides changed.
  private func outcome(of rule: MergeRule, falls: Bool) -> MergedTensor.Outcome {
    switch rule {
    case .growth:
      if !falls { return .added }
      return options.strategy?.side == nil ? .conflict : .resolved
    case .counter: return .added
    case .setting: return options.settingsSide == nil ? .conflict : .resolved
    case .units, .kept: return options.strategy == nil ? .conflict : .resolved
    }
  }

  /// Reads the same tensor of all three, in pieces of whole rows from the first to the last, a few megabytes at
  /// a time; in the dtype of ours.
  ///
  /// - Throws: what reading throws; `damaged`, before `body` sees the piece; and what `body` throws.
  static func forEachPiece(
    of entries: (base: CheckpointEntry, ours: CheckpointEntry, theirs: CheckpointEntry),
    _ base: borrowing CheckpointReader, _ ours: borrowing CheckpointReader,
    _ theirs: borrowing CheckpointReader,
    _ body: (Range<Int>, Tensor, Tensor, Tensor) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    var checkOfBase = try base.check(of: entries.base)
    var checkOfOurs = try ours.check(of: entries.ours)
    var checkOfTheirs = try theirs.check(of: entries.theirs)
    for rows in entries.ours.slabs(ofAtMost: 4 << 20) {
      let a = try base.readUnverified(entries.base, rows: rows)
      try checkOfBase.update(a)
      let b = try ours.readUnverified(entries.ours, rows: rows)
      try checkOfOurs.update(b)
      let c = try theirs.readUnverified(entries.theirs, rows: rows)
      try checkOfTheirs.update(c)
      try body(
        rows, a.dtype == b.dtype ? a : a.converted(to: b.dtype), b,
        c.dtype == b.dtype ? c : c.converted(to: b.dtype))
    }
  }

  /// Adds the updates of both sides; those of two sides that are the same otherwise count once.
  private mutating func settleCounter(
    _ base: CheckpointManifest, _ ours: CheckpointManifest, _ theirs: CheckpointManifest
  ) {
    guard let index = tensors.firstIndex(where: { $0.role == "iteration" }),
      tensors[index].outcome != .kept, let start = base.optimizer?.iterations,
      let a = ours.optimizer?.iterations, let b = theirs.optimizer?.iterations
    else { return }
    if a < start || b < start {
      tensors[index].outcome = options.strategy?.side == nil ? .conflict : .resolved
      if tensors[index].outcome == .conflict {
        tensors[index].problem = "\(start) in base, then \(a) and \(b): base is no ancestor of both"
      }
      return
    }
    let sidesDiffer = tensors.contains {
      $0.role != "iteration" && $0.counts.ours + $0.counts.theirs + $0.counts.conflicting > 0
    }
    guard sidesDiffer, a > start, b > start else { return }
    tensors[index].outcome = .added
    iterations = a + (b - start)
  }
}

extension MergeStrategy {
  /// Of a strategy that takes a side.
  var side: MergeSide? {
    switch self {
    case .ours: .ours
    case .theirs: .theirs
    case .average, .sumOfChanges: nil
    }
  }
}

extension MergeRule {
  fileprivate var isGrowth: Bool { if case .growth = self { true } else { false } }
}

// MARK: - Settings

extension CheckpointMerge {
  private mutating func mergeSettings(
    _ base: CheckpointManifest, _ ours: CheckpointManifest, _ theirs: CheckpointManifest
  ) throws(CheckpointError) {
    compareModels(base, ours, theirs)
    if (ours.weights ?? .live) != (theirs.weights ?? .live) {
      settings.append(
        SettingConflict(
          path: "weights", base: base.weights?.rawValue, ours: (ours.weights ?? .live).rawValue,
          theirs: (theirs.weights ?? .live).rawValue,
          resolution: options.strategy == .ours ? .ours : nil))
    }
    var merge = ConfigurationMerge(taking: options.settingsSide)
    let rates = [base, ours, theirs].compactMap { $0.optimizer?.learningRate }
    let ratesAreKnown = rates.count == 3
    if ratesAreKnown {
      // Files round a rate to float32, or do not, by their layout.
      let values = rates.map { JSONValue(Double(Float($0))) }
      let merged = merge.merge(values[0], values[1], values[2], at: "learning_rate")
      learningRate = merged == values[1] ? rates[1] : rates[2]
    }
    if let words = ours.training {
      let trees = try [base, ours, theirs].map { manifest throws(CheckpointError) in
        try manifest.training?.tree(for: words.dialect, leavingOutRate: ratesAreKnown)
      }
      let merged = merge.merge(trees[0], trees[1], trees[2] ?? trees[1], at: "training")
      if merge.takesTheirs, let merged { training = try words.replaced(by: merged) }
    } else if theirs.training != nil {
      notes.append("ours has no configuration of the training: that of theirs is left out")
    }
    settings += merge.conflicts
  }

  /// A merged file has the architecture of ours.
  private mutating func compareModels(
    _ base: CheckpointManifest, _ ours: CheckpointManifest, _ theirs: CheckpointManifest
  ) {
    func differs(_ a: CheckpointManifest, _ b: CheckpointManifest) -> Bool {
      ConfigurationComparison.differences(between: a, and: b).contains {
        $0.path.hasPrefix("model")
      }
    }
    guard differs(base, theirs), differs(ours, theirs) else { return }
    settings.append(
      SettingConflict(
        path: "model", base: base.model?.name, ours: ours.model?.name, theirs: theirs.model?.name,
        resolution: options.settingsSide == .ours ? .ours : nil))
    notes.append(
      "a merged file has the architecture of ours: exchange OURS and THEIRS for the other")
  }
}

extension TrainingConfiguration {
  /// As JSON in the words of a generation.
  fileprivate func tree(
    for dialect: Dialect, leavingOutRate: Bool
  ) throws(CheckpointError) -> JSONValue {
    do throws(ConfigurationError) {
      var tree = try json(for: dialect, in: .attribute)
      if leavingOutRate { tree.learningRate = nil }
      return tree
    } catch {
      throw Self.failure(error)
    }
  }

  /// The merged tree as a configuration, with the rate that this one has where the tree has none.
  fileprivate func replaced(
    by tree: JSONValue
  ) throws(CheckpointError) -> TrainingConfiguration {
    do throws(ConfigurationError) {
      var tree = tree
      if tree.learningRate == nil {
        tree.learningRate = try json(for: dialect, in: .attribute).learningRate
      }
      return try TrainingConfiguration(json: tree, dialect: dialect)
    } catch {
      throw Self.failure(error)
    }
  }

  private static func failure(_ error: ConfigurationError) -> CheckpointError {
    CheckpointError(
      .unsupported, "cannot merge", path: "configurations", object: "training",
      problem: "expected three in the words of one Keras, found: \(error)",
      cure: "convert the three to one profile first", cause: error)
  }
}

extension JSONValue {
  /// The rate in a configuration of a training, whatever the generation calls its optimizer.
  fileprivate var learningRate: JSONValue? {
    get {
      self["optimizer_config"]?["config"]?["learning_rate"]
        ?? self["optimizer"]?["config"]?["learning_rate"]
    }
    set {
      guard var object else { return }
      for key in ["optimizer_config", "optimizer"] {
        guard var optimizer = object[key]?.object, var configuration = optimizer["config"]?.object
        else { continue }
        configuration["learning_rate"] = newValue
        optimizer["config"] = .object(configuration)
        object[key] = .object(optimizer)
      }
      self = .object(object)
    }
  }
}
