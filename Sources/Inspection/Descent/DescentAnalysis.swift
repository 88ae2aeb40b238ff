import Checkpoints
import KerasConfiguration
import Tensors

/// Asks of every variable whether training leads from one file to the other.
struct DescentAnalysis {
  private let premises: DescentPremises
  private let facts: VariableFacts
  private var variables: [VariableDescent] = []
  private var squareSum = 0.0
  private var levelSum = 0.0
  private var hasRepeatedRows = false
  private var hasAssumedOccurrences = false

  init(
    _ first: CheckpointManifest, _ second: CheckpointManifest, options: DescentOptions
  ) {
    premises = DescentPremises(first, second, options)
    facts = VariableFacts(second.model ?? first.model)
  }

  /// Whether variables are to be looked at; otherwise the counters and the optimizers say it all.
  private var isMeaningful: Bool { premises.refusals.isEmpty && premises.updateCount != nil }

  /// What to ask of a variable; nil for one that the optimizer does not train, or that cannot be asked.
  func scan(_ group: VariablePairs) -> DescentScan? {
    guard isMeaningful, let weight = group.weight, let accumulator = group.accumulator else {
      return nil
    }
    let entries = [group.pairs[weight].before, group.pairs[accumulator].before]
    guard let dtype = entries[0].dtype, dtype == entries[1].dtype,
      let precision = UpdateBound.Precision(dtype), let updateCount = premises.updateCount,
      let id = entries[0].weightID
    else { return nil }
    let shape = entries[0].shape
    let repeats = facts.mayRepeatRows(id, named: entries[0].name, shape)
    let count = Double(updateCount)
    var rules = ElementRules(
      updateCount: count, roundoff: precision.roundoff, underflow: precision.underflow)
    rules.isWeightTracked = premises.obstacles.isEmpty && !facts.isConstrained(id)
    rules.hasAverages = premises.hasAverages && group.average != nil
    rules.leastRetention = premises.leastRetention ?? 1
    rules.greatestSquare = greatestSquare(dtype, repeats: repeats)
    if rules.isWeightTracked {
      let occurrences = occurrences(repeats: repeats)
      // Without an update there is no rate, and no way to go.
      if let rate = premises.rate ?? (updateCount == 0 ? RateBound(0, 0, updateCount: 0) : nil) {
        rules.bound = UpdateBound(
          updateCount: max(count, 1), squaredRateSum: rate.squaredSum, epsilon: premises.epsilon,
          occurrences: occurrences,
          roundingsPerUpdate: roundingsPerUpdate(count, rules), precision: precision)
        if occurrences == 1, !repeats, premises.isEpsilonKnown { rules.onlyRate = rate.least }
        if rules.bound!.isSwampedByRounding { rules.bound = nil }
      }
    }
    let rowLength = shape.rank >= 2 ? shape.row.elementCount : nil
    return DescentScan(rules: rules, rowLength: rowLength)
  }

  /// The subtraction rounds once; decay and averages, which every call blends, a few times more.
  private func roundingsPerUpdate(_ count: Double, _ rules: ElementRules) -> Double {
    var roundings = rules.leastRetention == 1 ? 1.0 : 4
    if rules.hasAverages {
      roundings += 6 * Double(premises.stepsApart ?? 0) / max(count, 1)
    }
    return roundings
  }

  private func occurrences(repeats: Bool) -> Double {
    guard repeats, premises.keepsRepeatedRows else { return 1 }
    return Double(premises.occurrences ?? DescentOptions.assumedOccurrences)
  }

  /// What an update adds to one accumulator at most.
  private func greatestSquare(_ dtype: DType, repeats: Bool) -> Double {
    switch premises.clipping {
    case .value(let limit):
      // Repeated rows are clipped one by one.
      return repeats ? .infinity : limit * limit
    case .norm(let limit), .globalNorm(let limit):
      // A norm of many squares of 16 bits may come out far too small.
      guard dtype.byteCount >= 4, !repeats || premises.keepsRepeatedRows else { return .infinity }
      return limit * limit * Self.normRoom
    case nil: return .infinity
    }
  }

  /// For the roundings of a norm over many elements.
  private static let normRoom = 1 + 1e-3
}

// MARK: - What was found

extension DescentAnalysis {
  /// Takes what the blocks of a variable gave, in order.
  mutating func add(_ group: VariablePairs, _ scan: DescentScan?, _ pieces: [DescentPiece]) {
    guard isMeaningful, let weight = group.weight.map({ group.pairs[$0].before }),
      group.accumulator != nil
    else { return }
    var variable = VariableDescent(name: weight.name, elementCount: weight.shape.elementCount)
    guard let scan, let id = weight.weightID else {
      variable.obstacles = ["weight and accumulator are of different or unknown types"]
      variables.append(variable)
      return
    }
    var found = DescentPiece()
    for piece in pieces { found.append(piece) }
    describe(&variable, weight, scan, found)
    let repeats = facts.mayRepeatRows(id, named: weight.name, weight.shape)
    collect(&variable, group, scan, found)
    checkNorm(&variable, weight, scan, found, repeats: repeats)
    if facts.isConstrained(id) {
      variable.obstacles.append("a constraint may change the weights after each update")
    } else if premises.obstacles.isEmpty, scan.rules.bound == nil {
      variable.obstacles.append(
        "\(weight.storedType) rounds so coarsely that \(premises.updateCount ?? 0) updates may lead"
          + " anywhere")
    }
    variable.verdict =
      !variable.contradictions.isEmpty
      ? .impossible
      : variable.obstacles.isEmpty && premises.obstacles.isEmpty ? .consistent : .notProvable
    if repeats, premises.keepsRepeatedRows, premises.occurrences == nil {
      hasAssumedOccurrences = true
    }
    hasRepeatedRows = hasRepeatedRows || repeats
    squareSum += found.growth
    levelSum += found.level
    variables.append(variable)
  }

  private func describe(
    _ variable: inout VariableDescent, _ weight: CheckpointEntry, _ scan: DescentScan,
    _ found: DescentPiece
  ) {
    let updates = scan.rules.updateCount
    if updates > 0, weight.shape.elementCount > 0 {
      variable.rootMeanSquareGradient =
        (max(0, found.growth) / (Double(weight.shape.elementCount) * updates)).squareRoot()
    }
    guard let rowLength = scan.rowLength else { return }
    variable.rowCount = weight.shape[0]
    variable.touchedRowCount = found.touchedRowCount
    if updates > 0, found.touchedRowCount > 0, rowLength > 0 {
      variable.rootMeanSquareGradientOfTouchedRows =
        (max(0, found.growth) / (Double(found.touchedRowCount * rowLength) * updates)).squareRoot()
    }
  }

  private func collect(
    _ variable: inout VariableDescent, _ group: VariablePairs, _ scan: DescentScan,
    _ found: DescentPiece
  ) {
    let isAssumed = (scan.rules.bound?.occurrences ?? 1) > 1 && premises.occurrences == nil
    for kind in Contradiction.Kind.allCases {
      guard let finding = found.findings[kind] else { continue }
      if kind == .movedTooFar, isAssumed {
        variable.obstacles.append(
          "\(finding.count) elements moved further than \(DescentOptions.assumedOccurrences) times"
            + " the same row in a step would explain: tell the true number (--occurrences)")
        continue
      }
      let blamed =
        kind.slot.map { name in
          group.pairs.first {
            if case .slot(name, _, _) = $0.before.role { true } else { false }
          }
        } ?? group.pairs[group.weight!]
      let shape = group.pairs[group.weight!].before.shape
      variable.contradictions.append(
        Contradiction(
          kind: kind, tensor: blamed?.before.name, count: finding.count,
          worst: .init(finding, shape), found: finding.found, limit: finding.limit))
    }
  }

  private func checkNorm(
    _ variable: inout VariableDescent, _ weight: CheckpointEntry, _ scan: DescentScan,
    _ found: DescentPiece, repeats: Bool
  ) {
    guard scan.rules.greatestSquare.isFinite, scan.rules.updateCount > 0 else { return }
    switch premises.clipping {
    case .norm, .globalNorm: break
    case .value, nil: return
    }
    let limit = greatestSum(scan.rules, found.level)
    if found.growth > limit {
      variable.contradictions.append(
        Contradiction(
          kind: .grewBeyondClipping, tensor: "accumulator/\(weight.name)",
          count: variable.elementCount, worst: nil, found: found.growth, limit: limit))
    }
  }

  /// Of all growths under one norm, each addition rounded.
  private func greatestSum(_ rules: ElementRules, _ level: Double) -> Double {
    rules.updateCount * (rules.greatestSquare + 2 * rules.roundoff * level)
  }

  /// Everything together.
  func descent() -> Descent {
    var descent = Descent()
    descent.stepsApart = premises.stepsApart
    descent.updateCount = premises.updateCount
    descent.greatestLearningRate = premises.rate?.greatest
    descent.obstacles = premises.refusals + premises.obstacles
    descent.variables = variablesBlamingRate() ?? variables
    if let steps = premises.stepsApart, steps < 0 {
      descent.contradictions.append(
        Contradiction(
          kind: .counterFell, tensor: nil, count: 1, worst: nil, found: Double(steps), limit: 0))
    }
    if case .globalNorm(let limit) = premises.clipping, !hasRepeatedRows,
      let updates = premises.updateCount, updates > 0
    {
      let rules = ElementRules(
        updateCount: Double(updates), greatestSquare: limit * limit * Self.normRoom,
        roundoff: 0x1p-24, underflow: 0)
      let most = greatestSum(rules, levelSum)
      if squareSum > most {
        descent.contradictions.append(
          Contradiction(
            kind: .grewBeyondClipping, tensor: nil, count: variables.count, worst: nil,
            found: squareSum, limit: most))
      }
    }
    if isMeaningful {
      descent.assumptions = premises.assumptions
      if hasAssumedOccurrences {
        descent.assumptions.append(
          "no row of an embedding was looked up more than \(DescentOptions.assumedOccurrences) times"
            + " in a step")
      }
      if variables.isEmpty {
        descent.obstacles.append("no variable has its accumulator in both files")
      }
    }
    descent.verdict = verdict(descent)
    return descent
  }

  private func verdict(_ descent: Descent) -> Descent.Verdict {
    if !descent.allContradictions.isEmpty { return .impossible }
    guard descent.obstacles.isEmpty else { return .notProvable }
    // What cannot be asked of some variables is told there; the verdict is that of most elements.
    let all = descent.variables.reduce(0) { $0 + $1.elementCount }
    let proven = descent.variables.filter { $0.verdict == .consistent }
      .reduce(0) { $0 + $1.elementCount }
    return 2 * proven >= all ? .consistent : .notProvable
  }
}

// MARK: - Rates that were set

extension DescentAnalysis {
  /// The variables without the ways that a higher rate explains better than damage: where most variables
  /// went further than the files' rates let them, or where the rates show that somebody sets them. Nil where
  /// that is not so.
  private func variablesBlamingRate() -> [VariableDescent]? {
    guard let rate = premises.rate, rate.assumption != .none else { return nil }
    let suspects = variables.flatMap(\.contradictions).filter(\.kind.dependsOnRate)
    guard !suspects.isEmpty else { return nil }
    let factor = suspects.map { $0.found / $0.limit }.max()!
    let blamed = variables.count { $0.contradictions.contains(where: \.kind.dependsOnRate) }
    let isCommon = blamed > 1 && 2 * blamed > variables.count
    let isLikely = rate.assumption == .changed && factor <= Self.greatestRiseBetween
    guard isCommon || isLikely else { return nil }
    return variables.map { variable in
      var variable = variable
      guard variable.contradictions.contains(where: \.kind.dependsOnRate) else { return variable }
      variable.contradictions.removeAll(where: \.kind.dependsOnRate)
      variable.obstacles.append(
        "elements moved by \(Readable.number(factor)) times what a learning rate of"
          + " \(Readable.number(rate.greatest)) lets them: it was another one meanwhile, or weights were"
          + " replaced (--learning-rate tells)")
      if variable.contradictions.isEmpty { variable.verdict = .notProvable }
      return variable
    }
  }

  /// A rate that was set to two numbers may have been so many times the higher one between them.
  private static let greatestRiseBetween = 10.0
}

extension Contradiction.Kind {
  /// Whether another learning rate would explain it.
  fileprivate var dependsOnRate: Bool { self == .movedTooFar || self == .movedTooLittle }

  /// The slot that is to blame; nil for the weight itself.
  fileprivate var slot: String? {
    switch self {
    case .accumulatorFell, .grewBeyondClipping, .grewWithoutUpdate: "accumulator"
    case .averageTooFar: "average"
    default: nil
    }
  }
}

extension Contradiction.Element {
  fileprivate init(_ found: DescentPiece.Found, _ shape: Shape) {
    self.init(
      index: shape.index(of: found.position), weightBefore: found.element.weight.before,
      weightAfter: found.element.weight.after,
      accumulatorBefore: found.element.accumulator.before,
      accumulatorAfter: found.element.accumulator.after)
  }
}

extension Shape {
  /// The index of an element, an integer for each axis, from its position, counted row-major.
  func index(of position: Int) -> [Int] {
    var index: [Int] = []
    var rest = position
    for extent in dimensions.reversed() {
      index.append(rest % extent)
      rest /= extent
    }
    return index.reversed()
  }
}
