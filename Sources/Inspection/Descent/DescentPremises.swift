import Checkpoints
import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What two files say about the training between them.
struct DescentPremises {
  private(set) var stepsApart: Int64?
  private(set) var updateCount: Int64?
  /// Nil where nothing bounds the rates.
  private(set) var rate: RateBound?
  /// What is added inside the root, at least; 0 where it is not told.
  private(set) var epsilon = 0.0
  private(set) var isEpsilonKnown = false
  private(set) var clipping: Clipping?
  /// The share of a weight that decay leaves of it at least. Nil where nothing is known.
  private(set) var leastRetention: Double?
  private(set) var hasAverages = false
  /// Whether Keras 3 leaves repeated rows as they are, each with a subtraction of its own.
  private(set) var keepsRepeatedRows = false
  private(set) var occurrences: Int?
  /// Why nothing at all can be asked.
  private(set) var refusals: [String] = []
  /// Why nothing can be said about the weights.
  private(set) var obstacles: [String] = []
  private(set) var assumptions: [String] = []

  /// What limits the gradients; Keras applies one of them.
  enum Clipping: Equatable {
    case value(Double)
    /// The norm of one variable's gradient.
    case norm(Double)
    case globalNorm(Double)
  }

  init(_ before: CheckpointManifest, _ after: CheckpointManifest, _ options: DescentOptions) {
    let (first, second) = (Side(before), Side(after))
    requireAdagrad(first, second)
    count(first, second)
    guard refusals.isEmpty else { return }
    readWeightsCopies(before, after)
    readEpsilon(first, second)
    readRate(first, second, options)
    readDecay(first, second)
    readAverages(first, second)
    clipping = Self.clipping(first.clipping, second.clipping)
    keepsRepeatedRows =
      second.arithmetic == .keras3 && !second.hasGlobalNorm && second.callsPerUpdate == 1
    occurrences = options.occurrences
    assumptions.append("the weights were replaced by no other means: no load, no assignment")
  }
}

// MARK: - One file

extension DescentPremises {
  /// What one file says about its optimizer.
  fileprivate struct Side {
    let summary: OptimizerSummary?
    /// The configuration of the optimizer itself, without one that scales the loss around it.
    let configuration: JSONObject?
    let className: String?
    let arithmetic: Arithmetic
    let slots: Set<String>

    init(_ manifest: CheckpointManifest) {
      summary = manifest.optimizer
      let entry = manifest.optimizer?.entry
      let own = entry?.inner ?? entry
      configuration = own?.configuration
      slots = Set(
        manifest.entries.compactMap { entry in
          if case .slot(let slot, _, _) = entry.role { slot } else { nil }
        })
      let told = own?.className ?? manifest.optimizer?.className
      // No other class has slots of this name.
      className = told ?? (slots.contains("accumulator") ? "Adagrad" : nil)
      arithmetic =
        manifest.optimizer?.recordedArithmetic
        ?? (own?.isLegacyClass == true
          ? .kerasLegacy : (own?.dialect ?? manifest.dialect) == .keras3 ? .keras3 : .keras2)
    }

    func number(_ key: String) -> Double? { configuration?[key]?.double }

    /// A setting that zero and negative numbers turn off.
    func limit(_ key: String) -> Double? { number(key).flatMap { $0 > 0 ? $0 : nil } }

    /// Keras takes the first that is given.
    var clipping: Clipping? {
      if let norm = limit("clipnorm") { return .norm(norm) }
      if let norm = limit("global_clipnorm") { return .globalNorm(norm) }
      return limit("clipvalue").map { .value($0) }
    }

    var hasGlobalNorm: Bool {
      if case .globalNorm = clipping { true } else { false }
    }

    var callsPerUpdate: Int64 {
      Int64(max(1, configuration?["gradient_accumulation_steps"]?.int ?? 1))
    }

    /// What is added to the square inside the root; nil where the file does not tell.
    var epsilon: Double? {
      guard configuration != nil else { return nil }
      let epsilon = number("epsilon") ?? 1e-7
      // The legacy class divides by sqrt(accumulator) + epsilon, which is not less than
      // sqrt(accumulator + epsilon^2).
      return arithmetic == .kerasLegacy ? epsilon * epsilon : epsilon
    }

    var schedule: JSONValue? {
      configuration?["learning_rate"].flatMap { $0.double == nil ? $0 : nil }
    }
  }

  private static func clipping(_ a: Clipping?, _ b: Clipping?) -> Clipping? {
    switch (a, b) {
    case (.value(let a), .value(let b)): .value(max(a, b))
    case (.norm(let a), .norm(let b)): .norm(max(a, b))
    case (.globalNorm(let a), .globalNorm(let b)): .globalNorm(max(a, b))
    default: nil
    }
  }
}

// MARK: - Both together

extension DescentPremises {
  private mutating func requireAdagrad(_ first: Side, _ second: Side) {
    for (side, which) in [(first, "first"), (second, "second")] {
      switch side.className?.lowercased() {
      case "adagrad": break
      case nil: refusals.append("the \(which) file tells no optimizer")
      default:
        refusals.append("the optimizer of the \(which) file is \(side.className!), not Adagrad")
      }
    }
  }

  private mutating func count(_ first: Side, _ second: Side) {
    guard let before = first.summary?.iterations, let after = second.summary?.iterations else {
      refusals.append("the count of updates is missing in one of the files")
      return
    }
    let (steps, overflow) = after.subtractingReportingOverflow(before)
    guard !overflow else {
      refusals.append("the counts of updates, \(before) and \(after), are no counts")
      return
    }
    stepsApart = steps
    guard steps >= 0, before >= 0 else { return }
    let calls = second.callsPerUpdate
    updateCount = first.callsPerUpdate == calls ? after / calls - before / calls : steps
  }

  private mutating func readWeightsCopies(
    _ before: CheckpointManifest, _ after: CheckpointManifest
  ) {
    for (manifest, which) in [(before, "first"), (after, "second")] {
      if let weights = manifest.weights, weights != .live {
        obstacles.append(
          "the weights of the \(which) file are not those that training changes, but the"
            + " \(weights.rawValue) ones")
      }
    }
  }

  private mutating func readEpsilon(_ first: Side, _ second: Side) {
    guard let a = first.epsilon, let b = second.epsilon else { return }
    epsilon = min(a, b)
    isEpsilonKnown = a == b && second.arithmetic != .kerasLegacy
    if epsilon < 0 { obstacles.append("epsilon is negative") }
  }

  private mutating func readRate(_ first: Side, _ second: Side, _ options: DescentOptions) {
    guard let updateCount, let stepsApart, updateCount > 0,
      let last = second.summary?.iterations, updateCount <= stepsApart
    else { return }
    let count = Double(updateCount)
    if let limit = options.greatestLearningRate {
      rate = RateBound(limit: limit, updateCount: count)
      return
    }
    let counters = (last - stepsApart)...(last - 1)
    let schedules = [first.schedule, second.schedule].compactMap { $0 }
    if schedules.count == 2 {
      let bounds = Set(schedules).compactMap { json -> RateBound? in
        guard let schedule = try? ScheduleConfiguration(json: json) else { return nil }
        return RateBound(schedule, counters: counters, callsPerUpdate: second.callsPerUpdate)
      }
      guard bounds.count == Set(schedules).count else {
        obstacles.append("the schedule of the learning rate is none of Keras's")
        return
      }
      // Each update was by one of them.
      rate = bounds[0]
      if bounds.count == 2 {
        rate!.greatest = max(bounds[0].greatest, bounds[1].greatest)
        rate!.squaredSum = bounds[0].squaredSum + bounds[1].squaredSum
        rate!.least = nil
      }
      return
    }
    guard schedules.isEmpty, let a = first.summary?.learningRate,
      let b = second.summary?.learningRate, a.isFinite, b.isFinite
    else {
      obstacles.append(
        schedules.isEmpty
          ? "the learning rate is missing in one of the files"
          : "the learning rate is a schedule in one of the files only")
      return
    }
    // Classes of old have a decay of the rate beside it, which only lowers it.
    rate = RateBound(a, b, updateCount: count)
    if second.number("decay") ?? 0 != 0 { rate!.least = nil }
    assumptions.append(
      a == b
        ? "the learning rate was at no time above \(Readable.number(rate!.greatest)), as in both files"
        : "the learning rate was at no time above \(Readable.number(rate!.greatest)), the higher of the"
          + " two files")
  }

  private mutating func readDecay(_ first: Side, _ second: Side) {
    guard first.configuration != nil, second.configuration != nil else {
      leastRetention = 0
      assumptions.append(
        "no more weight decay than takes a weight to zero: the files have no configuration")
      return
    }
    let decays = [first, second].map { $0.number("weight_decay") ?? 0 }
    let decay = decays.max()!
    if decay == 0, decays.min()! == 0 {
      leastRetention = 1
    } else if let rate, decays.min()! >= 0, decay * rate.greatest <= 1 {
      leastRetention = pow(1 - decay * rate.greatest, Double(updateCount ?? 0))
    } else if updateCount == 0 {
      leastRetention = 1
    } else {
      obstacles.append("the decay of the weights has no bound")
    }
  }

  private mutating func readAverages(_ first: Side, _ second: Side) {
    let slots = [first, second].map { $0.slots.contains("average") }
    let settings = [first, second].map { $0.configuration?["use_ema"]?.bool ?? false }
    hasAverages = slots[0] && slots[1]
    if !hasAverages, slots.contains(true) || settings.contains(true) {
      obstacles.append(
        "moving averages may have replaced the weights, and are not in both files")
    }
  }
}
