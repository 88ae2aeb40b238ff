public import Checkpoints

/// The search for the first checkpoint of a run that fails a check, by halves.
///
/// It takes for granted that once a check fails it fails for ever after. Both ends are looked at first: if
/// the oldest fails there is nothing before it, and if the newest passes nothing is looked for in between.
/// A checkpoint that cannot be judged is passed over for the nearest that can.
///
/// A check that may fail once and pass again (``HistoryCheck/impossibleStep(_:_:)``) is asked of one checkpoint
/// after the other instead, the oldest first, each against the last that passed.
public struct Bisection {
  private let check: HistoryCheck
  private let verifying: Bool
  private let paths: [String]
  private let around: Surrounding
  private let onStep: (BisectReport.Step) -> Void
  private var steps: [BisectReport.Step] = []

  /// Does what it is given, the look at a checkpoint, and returns its verdict: to tell meanwhile how far it has
  /// come. It is told the checkpoint's path, and which checkpoints are read whole.
  public typealias Surrounding =
    (String, [String], () throws(CheckpointError) -> Verdict) throws(CheckpointError) -> Verdict

  /// - Parameters:
  ///   - paths: of the checkpoints, the oldest first; not empty.
  ///   - verifying: whether tensors are compared with the digests of their files.
  ///   - around: is called for each checkpoint that is looked at.
  ///   - onStep: is called after each checkpoint that was looked at.
  public init(
    _ paths: [String], _ check: HistoryCheck, verifying: Bool = true,
    around: @escaping Surrounding = { _, _, judge throws(CheckpointError) in try judge() },
    onStep: @escaping (BisectReport.Step) -> Void = { _ in }
  ) {
    precondition(!paths.isEmpty, "a search among no checkpoints")
    self.paths = paths
    self.check = check
    self.verifying = verifying
    self.around = around
    self.onStep = onStep
  }

  /// Looks at O(log n) checkpoints; at all up to the one that is found where failing does not last.
  ///
  /// - Throws: where a command of the user cannot be run, or wants the search to end.
  public mutating func run() throws(CheckpointError) -> BisectReport {
    BisectReport(
      check: check.words, checkpointCount: paths.count, outcome: try search(), steps: steps)
  }

  private mutating func search() throws(CheckpointError) -> BisectReport.Outcome {
    guard check.isLasting else { return try scan() }
    // The ends, and whatever has to be passed over there.
    guard let first = try firstDecided(among: Array(paths.indices)) else {
      return .undecided(paths)
    }
    if first.fails {
      let open = Array(paths[..<first.index])
      return open.isEmpty
        ? .oldestFails(paths[first.index]) : .between(passing: nil, open + [paths[first.index]])
    }
    guard let last = try firstDecided(among: paths.indices.dropFirst(first.index + 1).reversed())
    else { return first.index == paths.count - 1 ? .noneFails : .undecided(paths) }
    if !last.fails {
      return last.index == paths.count - 1
        ? .noneFails : .undecided(Array(paths[(last.index + 1)...]))
    }
    var (passing, failing) = (first.index, last.index)
    var open: Set<Int> = []
    while true {
      let middle = (passing + failing) / 2
      let candidates = (passing + 1..<failing).filter { !open.contains($0) }
      guard let next = candidates.min(by: { abs($0 - middle) < abs($1 - middle) }) else { break }
      switch try judge(next, after: next - 1) {
      case .passes: passing = next
      case .fails: failing = next
      case .undecided: open.insert(next)
      }
    }
    return failing == passing + 1
      ? .found(paths[failing], passing: paths[passing])
      : .between(passing: paths[passing], Array(paths[passing + 1...failing]))
  }

  private mutating func scan() throws(CheckpointError) -> BisectReport.Outcome {
    var passing: Int?
    var open: [Int] = []
    for index in paths.indices {
      switch try judge(index, after: passing) {
      case .passes:
        // It has come from the last that passed, whatever lies between.
        (passing, open) = (index, [])
      case .undecided: open.append(index)
      case .fails:
        guard let passing else { return .oldestFails(paths[index]) }
        return open.isEmpty
          ? .found(paths[index], passing: paths[passing])
          : .between(passing: paths[passing], (open + [index]).map { paths[$0] })
      }
    }
    return open.isEmpty ? .noneFails : .undecided(open.map { paths[$0] })
  }

  private mutating func firstDecided(
    among indices: [Int]
  ) throws(CheckpointError) -> (index: Int, fails: Bool)? {
    for index in indices {
      switch try judge(index, after: index > 0 ? index - 1 : nil) {
      case .passes: return (index, false)
      case .fails: return (index, true)
      case .undecided: continue
      }
    }
    return nil
  }

  private mutating func judge(
    _ index: Int, after before: Int?
  ) throws(CheckpointError) -> Verdict.Outcome {
    let earlier = before.map { paths[...$0] } ?? []
    let read = check.filesRead(of: paths[index], after: earlier.last)
    let verdict = try around(paths[index], read) { () throws(CheckpointError) in
      try check.verdict(on: paths[index], after: earlier, verifying: verifying)
    }
    let step = BisectReport.Step(path: paths[index], verdict: verdict)
    steps.append(step)
    onStep(step)
    return verdict.outcome
  }
}
