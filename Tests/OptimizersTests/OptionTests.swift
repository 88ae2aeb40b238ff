import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("Options of the optimizer")
struct OptionTests {
  let cosine = CosineDecay(initialLearningRate: 0.5, decaySteps: 9, alpha: 0.1)

  @Test("the rate under a schedule is the last one in Keras 2, the next one in Keras 3")
  func currentRate() throws {
    var variables = [variable("a", [Float(1)])]
    for arithmetic in [Arithmetic.keras2, .keras3] {
      var optimizer = try Optimizer(
        Adagrad(), learningRate: .schedule(cosine), arithmetic: arithmetic)
      #expect(optimizer.currentLearningRate == 0.5)
      for step in 0..<3 as Range<Int64> {
        try optimizer.applyGradients([dense([Float(1)])], to: &variables)
        let expected = cosine.learningRate(at: arithmetic == .keras3 ? step + 1 : step)
        #expect(optimizer.currentLearningRate == expected)
      }
      let before = optimizer.currentLearningRate
      try optimizer.setLearningRate(
        .schedule(InverseTimeDecay(initialLearningRate: 0.25, decaySteps: 1, decayRate: 1)))
      #expect(optimizer.currentLearningRate == (arithmetic == .keras3 ? 0.0625 : before))
    }
  }

  @Test("a number over a schedule is refused, a schedule over a number is not")
  func settingRates() throws {
    var optimizer = try Optimizer(Adagrad(), learningRate: 0.25)
    try optimizer.setLearningRate(0.125)
    #expect(optimizer.currentLearningRate == 0.125)
    try optimizer.setLearningRate(.schedule(cosine))
    #expect(throws: OptimizerError.learningRateIsScheduled) {
      try optimizer.setLearningRate(0.5)
    }
    guard case .schedule = optimizer.learningRate else {
      Issue.record("the schedule is gone")
      return
    }
  }

  @Test("an optimizer with a schedule of one's own takes its steps, and has no configuration")
  func ownSchedule() throws {
    struct Halving: LearningRateSchedule {
      func learningRate(at iterations: Int64) -> Float { 1 / Float(1 << iterations) }
    }
    var variables = [variable("a", [Float(1)])]
    var expected = variables
    var optimizer = try Optimizer(Adagrad(), learningRate: .schedule(Halving()))
    var plain = try Optimizer(Adagrad(), learningRate: 1)
    for step in 0..<4 {
      try plain.setLearningRate(.constant(1 / Float(1 << step)))
      try optimizer.applyGradients([dense([Float(1)])], to: &variables)
      try plain.applyGradients([dense([Float(1)])], to: &expected)
      expectIdentical(variables[0].value, expected[0].value)
    }
    #expect(throws: OptimizerError.unsupportedClass("Halving")) {
      try optimizer.configuration()
    }
  }

  @Test("an empty call does nothing in Keras 2 but take up the rate, and is refused in Keras 3")
  func emptyCall() throws {
    var none: [Variable] = []
    var optimizer = try Optimizer(Adagrad(), learningRate: .schedule(cosine))
    optimizer.iterations = 5
    let step = try optimizer.applyGradients([], to: &none)
    #expect(step == AppliedStep(iterations: 5, isUpdate: false, absentGradients: []))
    #expect(optimizer.currentLearningRate == cosine.learningRate(at: 5))
    #expect(!optimizer.isBuilt)
    var other = try Optimizer(Adagrad(), arithmetic: .keras3)
    #expect(throws: OptimizerError.noGradients(variables: [])) {
      try other.applyGradients([], to: &none)
    }
  }

  @Test("a step says which gradients were absent")
  func absentGradients() throws {
    var variables = [
      variable("a", [Float(1)]), variable("b", [Float(1)]), variable("c", [Float(1)]),
    ]
    var optimizer = try Optimizer(Adagrad())
    let step = try optimizer.applyGradients([.none, dense([Float(1)]), .none], to: &variables)
    #expect(step == AppliedStep(iterations: 1, isUpdate: true, absentGradients: [0, 2]))
  }

  @Test("while gradients accumulate nothing moves, and updates are counted apart from calls")
  func accumulation() throws {
    var variables = [variable("a", [Float(1), 2])]
    var optimizer = try Optimizer(
      Adagrad(), arithmetic: .keras3, gradientAccumulationSteps: 3)
    for call in 1...7 as ClosedRange<Int64> {
      let before = variables[0].value
      let step = try optimizer.applyGradients([dense([Float(1), 2])], to: &variables)
      #expect(step.isUpdate == (call % 3 == 0))
      #expect(step.iterations == call / 3)
      #expect(optimizer.iterations == call)
      #expect(optimizer.updateCount == call / 3)
      #expect(before.isIdentical(to: variables[0].value) == !step.isUpdate)
    }
    expectIdentical(
      try optimizer.slot("gradient_accumulator", of: "a"), Tensor([Float(1), 2]))
    #expect(optimizer.slots.names == ["gradient_accumulator", "accumulator"])
  }

  @Test("variables are kept from decaying by identity and by the name that Keras searches")
  func exclusions() throws {
    let names = ["hidden", "output"]
    func decayed(
      _ arithmetic: Arithmetic, _ variables: Set<VariableID> = [], _ patterns: [String] = [],
      modelName: String? = nil
    ) throws -> [Bool] {
      var optimizer = try Optimizer(
        Adagrad(), learningRate: 1, arithmetic: arithmetic, weightDecay: 0.5)
      try optimizer.excludeFromWeightDecay(variables, patterns: patterns, modelName: modelName)
      var all = names.map { variable($0, [Float(1)]) }
      try optimizer.applyGradients([dense([Float(0)]), dense([Float(0)])], to: &all)
      return all.map { $0.floats == [0.5] }
    }
    #expect(try decayed(.keras2) == [true, true])
    #expect(try decayed(.keras2, [variable("hidden", [Float(1)]).id]) == [false, true])
    #expect(try decayed(.keras2, [], ["^hidden/kern"]) == [false, true])
    #expect(try decayed(.keras2, [], ["kernel:0$"]) == [false, false])
    #expect(try decayed(.keras2, [], ["Hidden"]) == [true, true])
    #expect(try decayed(.keras2, [], ["^x/hidden"], modelName: "x") == [true, true])
    #expect(try decayed(.keras3, [], ["^x/hidden"], modelName: "x") == [false, true])
    #expect(throws: OptimizerError.self) { try decayed(.keras2, [], ["("]) }
  }

  @Test("exclusions replace each other, and after building Keras 2 refuses them")
  func laterExclusions() throws {
    let a = variable("a", [Float(1)])
    var optimizer = try Optimizer(Adagrad(), learningRate: 1, weightDecay: 0.5)
    try optimizer.excludeFromWeightDecay([a.id])
    try optimizer.excludeFromWeightDecay(patterns: ["nothing"])
    #expect(optimizer.weightDecayExclusions.variables.isEmpty)
    try optimizer.build(for: [a])
    #expect(throws: OptimizerError.alreadyBuilt) { try optimizer.excludeFromWeightDecay([a.id]) }
    var other = try Optimizer(
      Adagrad(), learningRate: 1, arithmetic: .keras3, weightDecay: 0.5)
    try other.build(for: [a])
    try other.excludeFromWeightDecay([a.id])
    var variables = [a]
    try other.applyGradients([dense([Float(0)])], to: &variables)
    #expect(variables[0].floats == [1])
  }

  @Test("the averages can be looked at while the live values wait, also when that fails")
  func averagedVariables() throws {
    struct Failure: Error {}
    var variables = [variable("a", [Float(1)])]
    var optimizer = try Optimizer(Adagrad(), averages: MovingAverages(momentum: 0.5))
    try optimizer.applyGradients([dense([Float(1)])], to: &variables)
    let live = variables[0].value
    let seen = try optimizer.withAveragedVariables(&variables) { $0[0].value }
    expectIdentical(seen, try optimizer.slot("average", of: "a"))
    #expect(!seen.isIdentical(to: live))
    expectIdentical(variables[0].value, live)
    #expect(throws: Failure.self) {
      try optimizer.withAveragedVariables(&variables) { _ in throw Failure() }
    }
    expectIdentical(variables[0].value, live)
  }

  @Test("the formula alone neither clips nor decays nor averages nor counts")
  func updateStep() throws {
    for gradient in [dense([Float(1), 2], shape: [2, 1]), rows([1], [Float(3)], of: [2, 1])] {
      var bare = variable("a", [Float(1), 2], shape: [2, 1])
      var plain = [bare]
      var optimizer = try Optimizer(
        Adagrad(), clipping: .norm(0.1), weightDecay: 0.5, averages: MovingAverages())
      #expect(throws: OptimizerError.notBuilt) { try optimizer.updateStep(gradient, of: &bare) }
      try optimizer.build(for: plain)
      let average = try optimizer.slot("average", of: "a")
      let snapshot = optimizer
      try optimizer.updateStep(gradient, of: &bare)
      withExtendedLifetime(snapshot) {}
      var other = try Optimizer(Adagrad())
      try other.applyGradients([gradient], to: &plain)
      expectIdentical(bare.value, plain[0].value)
      expectIdentical(
        try optimizer.slot("accumulator", of: "a"), try other.slot("accumulator", of: "a"))
      expectIdentical(try optimizer.slot("average", of: "a"), average)
      #expect(optimizer.iterations == 0)
      var stranger = variable("b", [Float(1)])
      #expect(throws: OptimizerError.unknownVariable("b/kernel")) {
        try optimizer.updateStep(dense([Float(1)]), of: &stranger)
      }
    }
  }

  @Test("gradients of several dtypes under one norm, and rows under a loss scale, are refused")
  func unclippable() throws {
    var variables = [variable("a", [Float(1)]), variable("b", [Double(1)])]
    var optimizer = try Optimizer(Adagrad(), clipping: .globalNorm(1))
    #expect(
      throws: OptimizerError.mixedGradientDTypes(
        variable: "b/kernel", expected: .float32, found: .float64)
    ) { try optimizer.applyGradients([dense([Float(1)]), dense([Double(1)])], to: &variables) }
    var table = [variable("t", [Float(1), 2], shape: [2, 1])]
    var scaled = try Optimizer(Adagrad(), arithmetic: .keras3, lossScaleFactor: 2)
    #expect(throws: OptimizerError.rowsWithLossScale(variable: "t/kernel")) {
      try scaled.applyGradients([rows([1], [Float(1)], of: [2, 1])], to: &table)
    }
  }

  @Test("Keras 3 clips a gradient in its own dtype before it becomes the variable's")
  func clippingBeforeConversion() throws {
    let gradient = [0.1, -0.7, 2.0]
    for clipping in [GradientClipping.norm(0.75), .globalNorm(0.75), .value(0.3)] {
      var variables = [variable("a", [Float(1), 2, 3])]
      var expected = variables
      var optimizer = try Optimizer(Adagrad(), arithmetic: .keras3, clipping: clipping)
      var plain = try Optimizer(Adagrad(), arithmetic: .keras3)
      try optimizer.applyGradients([dense(gradient)], to: &variables)
      let norm = (gradient[0] * gradient[0] + gradient[1] * gradient[1] + gradient[2] * gradient[2])
        .squareRoot()
      let clipped: [Double] =
        switch clipping {
        case .norm: gradient.map { $0 * 0.75 / norm }
        case .globalNorm: gradient.map { $0 * (0.75 * min(1 / norm, 1 / 0.75)) }
        case .value: [0.1, -0.3, 0.3]
        }
      try plain.applyGradients([dense(clipped.map { Float($0) })], to: &expected)
      expectIdentical(variables[0].value, expected[0].value)
    }
  }
}

@Suite("Gradient reduction")
struct ReductionTests {
  /// What other replicas' gradients add.
  struct Sum: GradientReduction {
    let others: [Gradient]

    func reduce(_ gradients: [Gradient], of variables: [Variable]) -> [Gradient] {
      zip(gradients, others).map { mine, other in
        switch (mine, other) {
        case (.dense(let a), .dense(let b)):
          dense(zip(a.elements(of: Float.self), b.elements(of: Float.self)).map { $0 + $1 })
        case (.none, let gradient), (let gradient, _): gradient
        }
      }
    }
  }

  struct Failing: GradientReduction {
    struct Failure: Error {}
    func reduce(_ gradients: [Gradient], of variables: [Variable]) throws(Failure) -> [Gradient] {
      throw Failure()
    }
  }

  struct Dropping: GradientReduction {
    func reduce(_ gradients: [Gradient], of variables: [Variable]) -> [Gradient] { [] }
  }

  @Test("a step with a reduction is one with the sums; without, gradients are taken as they are")
  func sum() throws {
    var reduced = [variable("a", [Float(1), 2]), variable("b", [Float(3)])]
    var plain = reduced
    var optimizer = try Optimizer(Adagrad())
    var other = optimizer
    let sum = Sum(others: [dense([Float(10), 20]), .none])
    try optimizer.applyGradients([dense([Float(1), 2]), .none], to: &reduced, reducedBy: sum)
    try other.applyGradients([dense([Float(11), 22]), .none], to: &plain)
    for (a, b) in zip(reduced, plain) { expectIdentical(a.value, b.value) }
  }

  @Test("all gradients absent is an error before anything is reduced; its failures come through")
  func errors() throws {
    var variables = [variable("a", [Float(1)])]
    var optimizer = try Optimizer(Adagrad())
    #expect(throws: OptimizerError.noGradients(variables: ["a/kernel"])) {
      try optimizer.aggregateGradients([.none], of: variables, by: Failing())
    }
    #expect(throws: Failing.Failure.self) {
      try optimizer.applyGradients([dense([Float(1)])], to: &variables, reducedBy: Failing())
    }
    #expect(throws: OptimizerError.gradientCount(gradients: 0, variables: 1)) {
      try optimizer.applyGradients([dense([Float(1)])], to: &variables, reducedBy: Dropping())
    }
    #expect(!optimizer.isBuilt)
    #expect(variables[0].floats == [1])
  }
}

@Suite("A rule of one's own")
struct OwnRuleTests {
  /// Counts its steps in a variable of its own, and moves every element by a slot that starts as the
  /// variable, whatever the gradient.
  struct Counting: UpdateRule {
    var className: String { "Counting" }
    var defaultWeightDecay: Double? { 0.25 }

    func slots(for variable: VariableDescription, arithmetic: Arithmetic) -> [SlotDescription] {
      [
        SlotDescription(name: "start", initialValue: .variable),
        SlotDescription(name: "two", initialValue: .constant(2)),
      ]
    }

    func ownVariables(arithmetic: Arithmetic) -> [OwnVariableDescription] {
      [
        OwnVariableDescription(name: "count"),
        OwnVariableDescription(name: "pair", shape: [2], dtype: .float64, initialValue: 7),
      ]
    }

    func beginStep(_ scalars: StepScalars, ownVariables: inout [Tensor]) {
      ownVariables[0].withMutableElements(of: Float.self) { $0[0] += 1 }
    }

    func update(_ elements: ElementUpdate) {
      let count = elements.ownVariable(0).load(as: Float.self)
      for i in 0..<elements.count {
        let old = elements.variable.oldElements(of: Float.self)[i]
        let start = elements.slot(0).oldElements(of: Float.self)[i]
        elements.slot(0).newElements(of: Float.self)[i] = start
        elements.slot(1).newElements(of: Float.self)[i] = count
        elements.variable.newElements(of: Float.self)[i] = old + start
      }
    }

    func rowHandling(arithmetic: Arithmetic) -> RowHandling {
      arithmetic == .keras3 ? .dense : .everyRow
    }

    func update(_ row: RowUpdate) {
      for i in 0..<row.count {
        row.variable.newElements(of: Float.self)[i] += Float(1 + row.gradientCount)
      }
    }
  }

  @Test("may keep variables of its own, which it sees as it left them")
  func ownVariables() throws {
    var variables = [variable("a", [Float(4)]), variable("b", [Float(1), 2])]
    var optimizer = try Optimizer(Counting(), learningRate: 0)
    #expect(optimizer.weightDecay == 0.25)
    for _ in 0..<3 {
      let snapshot = optimizer
      try optimizer.applyGradients([dense([Float(1)]), dense([Float(1), 1])], to: &variables)
      withExtendedLifetime(snapshot) {}
    }
    #expect(variables.map(\.floats) == [[16], [4, 8]])
    #expect(optimizer.ownVariables.map(\.description.name) == ["count", "pair"])
    #expect(optimizer.ownVariables[0].value.elements(of: Float.self) == [3])
    #expect(optimizer.ownVariables[1].value.elements(of: Double.self) == [7, 7])
    expectIdentical(try optimizer.slot("two", of: "b"), Tensor([Float(3), 3]))
    try optimizer.setOwnVariable("count", to: Tensor(scalar: Float(9)))
    try optimizer.applyGradients([dense([Float(1)]), .none], to: &variables)
    expectIdentical(try optimizer.slot("two", of: "a"), Tensor([Float(10)]))
    #expect(throws: OptimizerError.unknownOwnVariable("other")) {
      try optimizer.setOwnVariable("other", to: Tensor(scalar: Float(9)))
    }
    #expect(throws: OptimizerError.self) {
      try optimizer.setOwnVariable("count", to: Tensor(scalar: 9.0))
    }
    #expect(throws: OptimizerError.unsupportedClass("Counting")) { try optimizer.configuration() }
  }

  @Test("says whether a row-indexed gradient touches every row or becomes dense")
  func rowHandling() throws {
    var variables = [variable("t", [Float(1), 2, 3], shape: [3, 1])]
    var optimizer = try Optimizer(Counting(), learningRate: 0)
    try optimizer.applyGradients([rows([2, 0, 2], [Float(1), 1, 1], of: [3, 1])], to: &variables)
    // Equal rows were summed: one gradient each, and none for the row in the middle.
    #expect(variables[0].floats == [3, 3, 5])
    var dense = [variable("t", [Float(1), 2, 3], shape: [3, 1])]
    var other = try Optimizer(Counting(), learningRate: 0, arithmetic: .keras3)
    try other.applyGradients([rows([2, 0, 2], [Float(1), 1, 1], of: [3, 1])], to: &dense)
    #expect(dense[0].floats == [2, 4, 6])
  }

  @Test("without formulas for the legacy arithmetic is refused there")
  func legacy() {
    #expect(throws: OptimizerError.unsupportedArithmetic(.kerasLegacy)) {
      try Optimizer(Counting(), arithmetic: .kerasLegacy)
    }
  }
}
