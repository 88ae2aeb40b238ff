public import KerasConfiguration
public import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Everything that Keras's `Optimizer` base class does, once, for every ``UpdateRule``.
///
/// An optimizer is a value: `let snapshot = optimizer` moves no bytes, and the copy stays as it is
/// while the original trains on; the next step then writes its new values beside the old ones instead
/// of over them. It knows variables and gradients, no layers and no files.
///
/// ```swift
/// var optimizer = try Optimizer(Adagrad(), learningRate: 0.05)
/// try optimizer.applyGradients([.dense(gradient)], to: &variables)
/// ```
///
/// The results are those of the chosen generation of Keras run eagerly, bit for bit; they do not depend
/// on the number of threads.
public struct Optimizer: Sendable {
  /// The formula, with its hyper-parameters, which may be changed between steps. Another rule with
  /// other slots is refused at the next step.
  public var rule: any UpdateRule {
    get {
      switch storedRule {
      case .outOfLine(let rule): rule
      }
    }
    set {
      storedRule = .outOfLine(newValue)
      slotsAreChecked = false
    }
  }
  /// The rate, as it was given or set; see ``setLearningRate(_:)``.
  public private(set) var learningRate: LearningRate
  /// Whose formulas are followed where the generations of Keras differ.
  public let arithmetic: Arithmetic
  /// The limit on gradients; nil for none. May be changed between steps.
  public var clipping: GradientClipping?
  /// How fast variables decay towards zero, apart from their gradients; nil for not at all. In every
  /// step, each variable that has a gradient and is not excluded
  /// (``excludeFromWeightDecay(_:patterns:modelName:)``) loses `variable * weightDecay * rate`, whole
  /// even where its gradient is row-indexed, before its update. Zero is not nil, but changes nothing
  /// finite. May be changed between steps.
  public var weightDecay: Double?
  /// Which variables do not decay.
  public internal(set) var weightDecayExclusions = WeightDecayExclusions()
  /// Whether averages of the variables are kept; their momentum and frequency may be changed between
  /// steps, but whether there are any is settled when the optimizer is built.
  public var averages: MovingAverages? { didSet { slotsAreChecked = false } }
  /// What gradients are divided by before all else, because the loss was multiplied by it; nil for
  /// nothing. Keras 3's arithmetic only. May be changed between steps.
  public var lossScaleFactor: Double?
  /// How many calls make one update: the gradients of the first ones are added up in the slot
  /// `gradient_accumulator`, and the last one updates with the mean. Nil for one. Keras 3's arithmetic
  /// only.
  ///
  /// The rate is that of the counter, which counts calls. Averages are updated in every call, by a
  /// counter of updates. A sum that is under way is part of the state.
  public let gradientAccumulationSteps: Int?
  /// The optimizer's own name, as its configuration has it.
  public var name: String
  /// How many calls were applied. Set it to go on from elsewhere; a slot does not follow.
  public var iterations: Int64 = 0
  /// The slot variables; empty until the optimizer is built.
  public internal(set) var slots = Slots(variables: [], names: [], tensors: [])
  /// What the rule keeps once for all variables; empty until the optimizer is built.
  public internal(set) var ownVariables: [OwnVariable] = []
  /// How many threads a step may use, at least 1.
  public var threadCount: Int
  /// Where a step that meets a snapshot finds memory for its new values; nil for fresh memory, which costs
  /// several times as much. Not part of the state: copies of the optimizer share it.
  public var buffers: StoragePool?

  /// The rule, behind a reference, so that no existential lies in the optimizer or in what contains it.
  ///
  /// Works around a fault of the optimizer of Swift 6.3.1: in `let copy = value`, where the type has an
  /// existential as a stored property, the copy is dropped although a throwing call changes `value` in
  /// place afterwards, so that snapshots change with the original. To be undone when
  /// the tests of snapshots, here and in `Training`, pass without it in a release build.
  private indirect enum StoredRule: Sendable {
    case outOfLine(any UpdateRule)
  }
  private var storedRule: StoredRule
  /// Whether ``slots`` were made, or since compared, with the present rule and averages.
  private var slotsAreChecked = false
  /// By variable, the places in ``slots`` of the rule's slots.
  private(set) var ruleSlots: [[Int]] = []
  /// The place of the averages in ``slots``.
  private(set) var averageSlot: Int?
  /// The place of the gradient accumulators in ``slots``.
  private(set) var accumulatorSlot: Int?
  /// By variable, whether it decays.
  var decays: [Bool] = []
  /// The legacy classes' decay of the rate.
  var legacyDecay = 0.0
  /// The rate that the last step used.
  var usedLearningRate: Float?
  /// Whether a loss scale may divide row-indexed gradients, too: true under a ``LossScaledOptimizer``.
  var dividesRows = false
  /// The options of the configuration that this optimizer was made from, for those without effect.
  var inactiveOptions = OptimizerConfiguration()
  /// Room for the pieces of a step, kept from one to the next.
  var plan = UpdatePlan()

  /// - Parameters:
  ///   - rule: the formula.
  ///   - learningRate: Keras's default is 0.001.
  ///   - arithmetic: whose formulas; `kerasLegacy` for rules that support it, without decay of weights and
  ///     averages, which the legacy classes lack.
  ///   - clipping: nil to leave gradients as they are.
  ///   - weightDecay: nil for the rule's default, which most rules do not have.
  ///   - averages: nil to keep none.
  ///   - lossScaleFactor: nil for none; Keras 3's arithmetic only.
  ///   - gradientAccumulationSteps: at least 2; nil and 0 for none; Keras 3's arithmetic only.
  ///   - name: nil for Keras's default: the class name, lowercased in Keras 3.
  ///   - threadCount: the most threads that a step uses; nil for one per processor.
  ///
  /// Throws ``OptimizerError/unsupportedArithmetic(_:)`` where the rule lacks the arithmetic's formulas, and
  /// ``OptimizerError/invalidArgument(name:value:requirement:)`` for options that the generation does not
  /// have, or values that it refuses.
  public init(
    _ rule: any UpdateRule, learningRate: LearningRate = 0.001, arithmetic: Arithmetic = .keras2,
    clipping: GradientClipping? = nil, weightDecay: Double? = nil,
    averages: MovingAverages? = nil, lossScaleFactor: Double? = nil,
    gradientAccumulationSteps: Int? = nil, name: String? = nil, threadCount: Int? = nil
  ) throws(OptimizerError) {
    guard rule.supports(arithmetic) else { throw .unsupportedArithmetic(arithmetic) }
    storedRule = .outOfLine(rule)
    self.learningRate = learningRate
    self.arithmetic = arithmetic
    self.clipping = clipping
    self.weightDecay = weightDecay ?? rule.defaultWeightDecay
    self.averages = averages
    self.lossScaleFactor = lossScaleFactor
    let steps = gradientAccumulationSteps == 0 ? nil : gradientAccumulationSteps
    self.gradientAccumulationSteps = steps
    self.name = name ?? Self.defaultName(className: rule.className, arithmetic)
    self.threadCount = threadCount ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    if let steps, steps < 2 {
      throw .invalidArgument(
        name: "gradient_accumulation_steps", value: "\(steps)", requirement: "at least 2, or none")
    }
    try checkOptions()
    try check(learningRate)
  }

  mutating func replaceLearningRate(with rate: LearningRate) { learningRate = rate }

  static func defaultName(className: String, _ arithmetic: Arithmetic) -> String {
    OptimizerConfiguration.defaultName(
      className: className, in: arithmetic == .keras3 ? .keras3 : .keras2)
  }
}

// MARK: - Building

extension Optimizer {
  /// Whether the slots exist.
  public var isBuilt: Bool { !slots.variables.isEmpty }

  /// Makes the slots of `variables`, which are from then on the ones that this optimizer can update.
  ///
  /// The order of saving is that of Keras: averages of all variables, gradient accumulators, the rule's own
  /// variables, then the rule's slots, each over all variables.
  ///
  /// ``applyGradients(_:to:)`` builds by itself on its first call. Once built, further calls with
  /// variables already known change nothing.
  ///
  /// Throws, before anything changes, ``OptimizerError/noVariables``,
  /// ``OptimizerError/duplicateVariable(_:)``, ``OptimizerError/unsupportedDType(variable:dtype:)``;
  /// when already built, ``OptimizerError/unknownVariable(_:)`` for a variable that is new and
  /// ``OptimizerError/changedVariable(name:builtShape:builtDType:shape:dtype:)`` for one that is not what
  /// it was.
  public mutating func build(for variables: [Variable]) throws(OptimizerError) {
    if isBuilt {
      for (index, variable) in variables.enumerated() {
        _ = try place(of: variable, guess: index)
      }
      return
    }
    try build(try describe(variables), startingFrom: variables)
  }

  /// The variables as they would be built for; throws what ``build(for:)`` throws of an optimizer that
  /// is not built yet.
  func describe(_ variables: [Variable]) throws(OptimizerError) -> [VariableDescription] {
    guard !variables.isEmpty else { throw .noVariables }
    var seen = Set<VariableID>(minimumCapacity: variables.count)
    for variable in variables {
      guard seen.insert(variable.id).inserted else { throw .duplicateVariable(variable.name) }
      guard variable.value.dtype.isFloatingPoint else {
        throw .unsupportedDType(variable: variable.name, dtype: variable.value.dtype)
      }
    }
    return variables.map(VariableDescription.init)
  }

  mutating func build(
    _ descriptions: [VariableDescription], startingFrom variables: [Variable]
  ) throws(OptimizerError) {
    let decays = try weightDecayExclusions.decays(descriptions, arithmetic)
    let wanted = descriptions.map { slotDescriptions(for: $0) }
    let names = Self.names(of: wanted)
    var tensors = [[Tensor?]](
      repeating: Array(repeating: nil, count: variables.count), count: names.count)
    for (index, slots) in wanted.enumerated() {
      for slot in slots {
        guard let place = names.firstIndex(of: slot.name) else { continue }
        tensors[place][index] = slot.initialTensor(for: variables[index].value)
      }
    }
    slots = Slots(variables: descriptions, names: names, tensors: tensors)
    averageSlot = averages == nil ? nil : 0
    accumulatorSlot = names.firstIndex(of: AccumulationUpdate.slotName)
    ruleSlots = rulePlaces(of: wanted)
    ownVariables = rule.ownVariables(arithmetic: arithmetic).map(OwnVariable.init)
    self.decays = decays
    slotsAreChecked = true
  }

  /// Every slot of one variable, in the order of saving.
  private func slotDescriptions(for variable: VariableDescription) -> [SlotDescription] {
    baseSlotDescriptions + rule.slots(for: variable, arithmetic: arithmetic)
  }

  /// The slots that every rule's optimizer has, in the order of saving.
  private var baseSlotDescriptions: [SlotDescription] {
    var base: [SlotDescription] = []
    if averages != nil {
      base.append(
        SlotDescription(
          name: MovingAverages.slotName,
          initialValue: arithmetic == .keras3 ? .constant(0) : .variable))
    }
    if gradientAccumulationSteps != nil {
      base.append(
        SlotDescription(name: AccumulationUpdate.slotName, initialValue: .constant(0)))
    }
    return base
  }

  /// The slots' names, in the order of saving, each once.
  private static func names(of slots: [[SlotDescription]]) -> [String] {
    var names: [String] = []
    for slot in slots.joined() where !names.contains(slot.name) { names.append(slot.name) }
    return names
  }

  /// By variable, where the rule's slots stand in ``slots``.
  private func rulePlaces(of wanted: [[SlotDescription]]) -> [[Int]] {
    let baseCount = baseSlotDescriptions.count
    return wanted.map { slots in
      slots.dropFirst(baseCount)
        .compactMap { slot in self.slots.names.firstIndex(of: slot.name) }
    }
  }

  /// Throws ``OptimizerError/changedSlots(expected:found:)`` if the rule or the averages were exchanged
  /// since the slots were made, for ones that need others.
  mutating func checkSlots() throws(OptimizerError) {
    if slotsAreChecked { return }
    let wanted = slots.variables.map { slotDescriptions(for: $0) }
    for index in wanted.indices {
      let names = wanted[index].map(\.name)
      let built = slots.names.indices.filter { slots.tensors[$0][index] != nil }
        .map { slots.names[$0] }
      guard Set(built) == Set(names) else { throw .changedSlots(expected: built, found: names) }
    }
    ruleSlots = rulePlaces(of: wanted)
    slotsAreChecked = true
  }

  /// The place of a built variable; throws if it is unknown or no longer what it was.
  func place(of variable: Variable, guess: Int) throws(OptimizerError) -> Int {
    guard let place = slots.place(of: variable.id, guess: guess) else {
      throw .unknownVariable(variable.name)
    }
    let built = slots.variables[place]
    guard built.shape == variable.value.shape, built.dtype == variable.value.dtype else {
      throw .changedVariable(
        name: variable.name, builtShape: built.shape, builtDType: built.dtype,
        shape: variable.value.shape, dtype: variable.value.dtype)
    }
    return place
  }
}

extension SlotDescription {
  fileprivate func initialTensor(for variable: Tensor) -> Tensor {
    switch initialValue {
    case .constant(let value):
      Tensor(repeating: value, shape: variable.shape, dtype: variable.dtype)
    case .variable: variable
    }
  }
}

// MARK: - Restoring

extension Optimizer {
  /// Replaces the values of some slots, as a checkpoint has them. The optimizer must be built.
  ///
  /// All or nothing: throws, before anything changes, ``OptimizerError/notBuilt``,
  /// ``OptimizerError/unknownSlot(slot:variable:)`` or
  /// ``OptimizerError/slotMismatch(slot:variable:shape:dtype:foundShape:foundDType:)``. Slots that are not
  /// named keep their values.
  public mutating func setSlots(_ values: [SlotID: Tensor]) throws(OptimizerError) {
    guard isBuilt else { throw .notBuilt }
    var restored = slots
    for (id, value) in values {
      guard let slot = slots.names.firstIndex(of: id.slot),
        let place = slots.place(of: id.variable, guess: 0),
        let present = slots.tensors[slot][place]
      else { throw .unknownSlot(slot: id.slot, variable: id.variable) }
      guard present.shape == value.shape, present.dtype == value.dtype else {
        throw .slotMismatch(
          slot: id.slot, variable: slots.variables[place].name, shape: present.shape,
          dtype: present.dtype, foundShape: value.shape, foundDType: value.dtype)
      }
      restored.tensors[slot][place] = value
    }
    slots = restored
  }
}
