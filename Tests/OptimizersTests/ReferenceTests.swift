import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("A slow reference, written from the formulas")
struct ReferenceTests {
  @Test("replays the traces of eager Keras itself", arguments: TraceTests.traces)
  func replay(_ trace: Trace) throws {
    let recording = try trace.load()
    var configuration = try recording.optimizer.decoded()
    if let rate = recording.arguments["learning_rate"]?.double {
      configuration.learningRate = .constant(rate)
    }
    var reference = ReferenceOptimizer(
      configuration, rate: { _ in 0 }, recording.series.map(\.initial))
    reference.excluded = try excluded(recording)
    for step in 0..<recording.stepCount {
      let events = recording.events.filter { $0.step == step }
      for event in events { try apply(event, to: &reference) }
      let absent = events.flatMap(\.absentGradients)
      reference.rate = { _ in recording.rates[step] }
      reference.step(
        recording.series.enumerated().map { absent.contains($0) ? .none : $1.gradient(step) })
      let clipping = reference.configuration.clipping
      let isNorm = (clipping.norm ?? 0) > 0 || (clipping.globalNorm ?? 0) > 0
      let isLong = recording.series.contains {
        $0.gradients.elementCount > 7 * recording.stepCount
      }
      let tolerance = Tolerance(isExact: !(isNorm && isLong))
      for (variable, series) in zip(reference.variables, recording.series) {
        func expect(_ values: [Double], _ stack: Tensor?, _ what: String, ulps: Int? = nil) {
          guard let expected = stack?.entry(step, shape: series.initial.shape) else { return }
          tolerance.expect(
            Tensor(values, shape: variable.shape).converted(to: variable.dtype), expected,
            "\(what) of \(series.name), step \(step)", ulps: ulps)
        }
        expect(variable.value, series.variables, "value")
        expect(variable.accumulator, series.slots["accumulator"], "accumulator", ulps: 4)
        expect(variable.average, series.slots["average"], "average")
        expect(variable.gradientSum, series.slots["gradient_accumulator"], "gradient sum")
      }
    }
  }

  private func excluded(_ recording: Recording) throws -> Set<Int> {
    let byPattern = try recording.series.indices.filter { index in
      try recording.excludedPatterns.contains {
        try recording.series[index].name.contains(Regex($0))
      }
    }
    return Set(recording.excludedVariables + byPattern)
  }

  private func apply(_ event: Recording.Event, to reference: inout ReferenceOptimizer) throws {
    if let iterations = event.iterations { reference.counter = iterations }
    for pair in event.attributes.pairs {
      switch pair.key {
      case "epsilon":
        guard case .adagrad(let start, _) = reference.configuration.rule else { break }
        reference.configuration.rule = .adagrad(
          initialAccumulatorValue: start, epsilon: pair.value.double ?? .nan)
      case "weight_decay": reference.configuration.weightDecay = pair.value.double
      case "clipnorm": reference.configuration.clipping.norm = pair.value.double
      case "clipvalue": reference.configuration.clipping.value = pair.value.double
      case "ema_momentum": reference.configuration.average.momentum = pair.value.double ?? .nan
      case "ema_overwrite_frequency":
        reference.configuration.average.overwriteFrequency = pair.value.int
      default: throw Replay.UnknownEvent(pair.key)
      }
    }
  }

  @Test("equals the optimizer for any configuration", arguments: 0..<UInt64(60))
  func anyConfiguration(_ seed: UInt64) throws {
    var random = Draw(seed: seed)
    let scene = try RandomScene(&random)
    var optimizer = try Optimizer(
      configuration: scene.configuration, threadCount: random.pick([1, 2, 3]))
    var variables = scene.variables
    try optimizer.excludeFromWeightDecay(Set(scene.excluded.map { variables[$0].id }))
    var reference = ReferenceOptimizer(
      scene.configuration, rate: { [rate = optimizer.learningRate] in rate.value(at: $0) },
      variables.map(\.value))
    reference.excluded = scene.excluded
    try optimizer.build(for: variables)
    if random.isTrue(1, of: 4) {
      optimizer.iterations = 1000
      reference.counter = 1000
    }
    for step in 0..<9 {
      let gradients = scene.gradients(&random)
      // Now and then a snapshot shares everything.
      let snapshot = random.isTrue(1, of: 3) ? (variables, optimizer) : nil
      try optimizer.applyGradients(gradients, to: &variables)
      withExtendedLifetime(snapshot) {}
      reference.step(gradients)
      for (index, expected) in reference.variables.enumerated() {
        func expect(_ value: Tensor?, _ numbers: [Double], _ what: String) {
          guard let value else { return }
          let expected = Tensor(numbers, shape: expected.shape).converted(to: expected.dtype)
          #expect(
            value.isIdentical(to: expected),
            "seed \(seed), step \(step), \(what) of variable \(index): \(scene.configuration)")
        }
        let id = variables[index].id
        expect(variables[index].value, expected.value, "value")
        expect(optimizer.slots["accumulator", id], expected.accumulator, "accumulator")
        expect(optimizer.slots["average", id], expected.average, "average")
        expect(
          optimizer.slots["gradient_accumulator", id], expected.gradientSum, "gradient sum")
      }
    }
  }
}

// MARK: - Random configurations

/// Random choices that depend on nothing but the seed.
struct Draw {
  private let stream: RandomStream
  private var position: UInt64 = 0

  init(seed: UInt64) { stream = RandomStream(seed: seed) }

  mutating func number(below bound: Int) -> Int {
    position += 1
    return Int(stream.words(at: position)[0]) % bound
  }

  mutating func pick<Value>(_ values: [Value]) -> Value { values[number(below: values.count)] }

  mutating func isTrue(_ share: Int, of whole: Int) -> Bool { number(below: whole) < share }
}

/// A configuration, variables and gradients for it.
struct RandomScene {
  let configuration: OptimizerConfiguration
  let variables: [Variable]
  let excluded: Set<Int>
  private let clipsByNorm: Bool

  init(_ random: inout Draw) throws {
    let isKeras3 = random.isTrue(1, of: 2)
    let limit = random.pick([0.5, 1.5, 41, 0, -1])
    let clipping: OptimizerConfiguration.Clipping =
      switch random.number(below: 5) {
      case 0: .init(norm: limit, value: isKeras3 ? nil : random.pick([nil, 0.25]))
      case 1: .init(value: isKeras3 ? nil : random.pick([nil, 0.25]), globalNorm: limit)
      case 2: .init(value: limit)
      default: .init()
      }
    clipsByNorm = clipping.norm != nil || clipping.globalNorm != nil
    let schedules: [ScheduleConfiguration.Kind] = [
      .exponentialDecay(
        initialLearningRate: 0.5, decaySteps: 4, decayRate: 0.7,
        isStaircase: random.isTrue(1, of: 2)),
      .polynomialDecay(
        initialLearningRate: 0.5, decaySteps: 5, cycles: random.isTrue(1, of: 2)),
      .cosineDecay(
        initialLearningRate: 0.1, decaySteps: 4, alpha: 0.1, warmupTarget: 0.5, warmupSteps: 3),
      .cosineDecayRestarts(initialLearningRate: 0.5, firstDecaySteps: 2, mMul: 0.8),
    ]
    configuration = OptimizerConfiguration(
      rule: .adagrad(
        initialAccumulatorValue: random.pick([0, 0.1, 1]), epsilon: random.pick([1e-7, 1e-3])),
      learningRate: random.isTrue(1, of: 3)
        ? .schedule(ScheduleConfiguration(random.pick(schedules)))
        : .constant(random.pick([0.3, 0.001, -0.1])),
      weightDecay: random.pick([nil, nil, 0, 0.01, -0.05]), clipping: clipping,
      average: .init(
        isEnabled: random.isTrue(1, of: 2), momentum: random.pick([0.99, 0.5, 0, 1]),
        overwriteFrequency: random.pick([nil, 1, 3])),
      lossScaleFactor: isKeras3 ? random.pick([nil, nil, 3, 128]) : nil,
      gradientAccumulationSteps: isKeras3 ? random.pick([nil, nil, 2, 3]) : nil,
      arithmetic: isKeras3 ? .keras3 : .keras2)
    let dtype = random.pick([DType.float32, .float32, .float16, .bfloat16, .float64])
    // A norm over more than seven elements is added up in an order of its own.
    let shapes: [Shape] =
      clipsByNorm ? [[7], [3, 2], []] : [[1500], [70, 3], [], [2, 2, 2], [0], [64]]
    excluded = random.isTrue(1, of: 2) ? [1] : []
    variables = shapes.enumerated().map { index, shape in
      Variable(
        id: VariableID(layer: ["layer"], index: index), name: "layer/\(index)",
        value: Tensor(
          mixedValues(shape.elementCount, seed: UInt64(random.number(below: 1 << 30))),
          shape: shape
        ).converted(to: dtype))
    }
  }

  func gradients(_ random: inout Draw) -> [Gradient] {
    var gradients = variables.map { gradient(of: $0.value, &random) }
    if gradients.allSatisfy({ $0.values == nil }) {
      gradients[0] = .dense(variables[0].value)
    }
    return gradients
  }

  private func gradient(of value: Tensor, _ random: inout Draw) -> Gradient {
    if random.isTrue(1, of: 6) { return .none }
    let seed = UInt64(random.number(below: 1 << 30))
    func numbers(_ shape: Shape) -> Tensor {
      var numbers = mixedValues(shape.elementCount, seed: seed)
      if random.isTrue(1, of: 20), !numbers.isEmpty {
        numbers[random.number(below: numbers.count)] = random.pick([.nan, .infinity, -1e30])
      }
      return Tensor(numbers, shape: shape).converted(to: value.dtype)
    }
    let byRows = value.shape.rank >= 2 && configuration.lossScaleFactor == nil
    guard byRows, random.isTrue(1, of: 2) else { return .dense(numbers(value.shape)) }
    let count = random.number(below: clipsByNorm ? 4 : 12)
    let indices = (0..<count).map { _ in random.number(below: value.shape[0]) }
    let shape = Shape([count] + value.shape.dimensions.dropFirst())
    return .rows(IndexedRows(indices: indices, values: numbers(shape), shape: value.shape))
  }
}

@Suite("Row grouping")
struct RowGroupingTests {
  @Test("keeps rows in order of first appearance and occurrences in order of appearance")
  func order() {
    var grouping = RowGrouping()
    for indices in [[7, 2, 7, 7, 0, 2], [], [5], [1, 1], Array((0..<100).map { $0 % 17 })] {
      grouping.group(indices)
      var distinct: [Int] = []
      for index in indices where !distinct.contains(index) { distinct.append(index) }
      grouping.withGroups { groups in
        // Not inside the macro: Swift 6.3.1 takes a closure there for the one below.
        let rows = (0..<groups.count).map { groups.rows[$0] }
        #expect(rows == distinct)
        for (group, row) in distinct.enumerated() {
          let positions = (groups.starts[group]..<groups.starts[group + 1])
            .map { groups.positions[$0] }
          #expect(positions == indices.indices.filter { indices[$0] == row })
        }
      }
    }
  }
}
