import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

/// Replays what eager Keras did, from the same start with the same gradients.
@Suite("Adagrad replays the traces of eager Keras bit for bit")
struct TraceTests {
  static let traces = Trace.all("") + Trace.all("-options") + averageTraces
  /// Averages where gradients are absent, which Keras 2.12 gives to the wrong variables.
  static let averageTraces = Trace.all("-averages", of: ["tf_keras-2.21"])

  @Test("both generations' traces ship, at least forty each")
  func tracesExist() {
    for generation in ["keras-2.12", "keras-3.15"] {
      #expect(Trace.all("").filter { $0.generation == generation }.count >= 30)
      #expect(Trace.all("-options").filter { $0.generation == generation }.count >= 40)
    }
  }

  @Test("averages are recorded with each gradient absent, however often they overwrite")
  func averageTracesExist() throws {
    let recordings = try Self.averageTraces.map { try $0.load() }
    for absent in [[0], [1], [2], [0, 1]] {
      for frequency in [nil, 1, 3] {
        #expect(
          recordings.contains { recording in
            recording.arguments["ema_overwrite_frequency"]?.int == frequency
              && recording.events.contains { $0.absentGradients == absent }
          }, "\(absent) absent, overwritten every \(frequency.map(String.init) ?? "never")")
      }
    }
  }

  @Test("every variable, accumulator and average of every step", arguments: traces)
  func replay(_ trace: Trace) throws {
    let recording = try trace.load()
    var replay = try Replay(recording)
    for step in 0..<recording.stepCount { try replay.step(step) }
    try replay.finish()
  }
}

/// One recording, step by step.
struct Replay {
  let recording: Recording
  var optimizer: Optimizer
  var variables: [Variable]

  init(_ recording: Recording) throws {
    self.recording = recording
    optimizer = try Optimizer(configuration: recording.optimizer.decoded())
    // The configuration has the rate as it was when it was recorded: the float32.
    if let rate = recording.arguments["learning_rate"]?.double {
      try optimizer.setLearningRate(.constant(Float(rate)))
    }
    variables = recording.series.enumerated().map { index, series in
      Variable(
        id: VariableID(layer: [series.name], index: index), name: series.name,
        value: series.initial)
    }
    let excluded = Set(recording.excludedVariables.map { variables[$0].id })
    try optimizer.excludeFromWeightDecay(excluded, patterns: recording.excludedPatterns)
    try optimizer.build(for: variables)
  }

  mutating func step(_ step: Int) throws {
    let events = recording.events.filter { $0.step == step }
    for event in events { try apply(event) }
    let absent = events.flatMap(\.absentGradients)
    let gradients = recording.series.enumerated().map { index, series -> Gradient in
      absent.contains(index) ? .none : series.gradient(step)
    }
    let scheduled = optimizer.learningRate
    try useRecordedRate(step)
    let tolerance = tolerance(of: gradients)
    let applied = try optimizer.applyGradients(gradients, to: &variables)
    if case .schedule = scheduled { try optimizer.setLearningRate(scheduled) }
    #expect(applied.absentGradients == absent.sorted())
    #expect(optimizer.iterations == recording.iterations[step])
    for (variable, series) in zip(variables, recording.series) {
      func expect(_ value: Tensor?, _ stack: Tensor?, _ what: String, ulps: Int?) {
        let expected = stack?.entry(step, shape: series.initial.shape)
        switch (value, expected) {
        case (nil, nil): break
        case (let value?, let expected?):
          tolerance.expect(value, expected, "\(what) of \(series.name), step \(step)", ulps: ulps)
        default: Issue.record("\(what) of \(series.name): only one of the two has it")
        }
      }
      expect(variable.value, series.variables, "value", ulps: nil)
      for slot in ["accumulator", "average", "gradient_accumulator"] {
        expect(
          optimizer.slots[slot, variable.id], series.slots[slot], slot,
          ulps: slot == "accumulator" ? 4 : nil)
      }
    }
  }

  mutating func finish() throws {
    let live = variables
    try optimizer.finalizeVariableValues(&variables)
    for (variable, series) in zip(variables, recording.series) {
      guard let finalized = series.finalized else { continue }
      tolerance(of: [.dense(variable.value)]).expect(
        variable.value, finalized, "finalized", ulps: nil)
    }
    variables = live
  }

  // MARK: Events

  private mutating func apply(_ event: Recording.Event) throws {
    if let iterations = event.iterations { optimizer.iterations = iterations }
    if let rate = event.learningRate { try optimizer.setLearningRate(.constant(Float(rate))) }
    if let schedule = event.schedule {
      try optimizer.setLearningRate(.schedule(schedule.schedule()))
    }
    for pair in event.attributes.pairs {
      let (key, value) = (pair.key, pair.value)
      switch key {
      case "epsilon":
        guard var adagrad = optimizer.rule as? Adagrad else { throw UnknownEvent(key) }
        adagrad.epsilon = value.double ?? .nan
        optimizer.rule = adagrad
      case "weight_decay": optimizer.weightDecay = value.double
      // A limit that is taken away leaves its place to the next event.
      case "clipnorm": optimizer.clipping = value.double.map { GradientClipping.norm($0) }
      case "clipvalue": optimizer.clipping = value.double.map { GradientClipping.value($0) }
      case "ema_momentum":
        optimizer.averages = try MovingAverages(
          momentum: value.double ?? .nan,
          overwriteFrequency: optimizer.averages?.overwriteFrequency)
      case "ema_overwrite_frequency":
        optimizer.averages = try MovingAverages(
          momentum: optimizer.averages?.momentum ?? .nan, overwriteFrequency: value.int)
      default: throw UnknownEvent(key)
      }
    }
  }

  struct UnknownEvent: Error {
    let key: String
    init(_ key: String) { self.key = key }
  }

  // MARK: Tolerances

  /// Compares the rate of this step with the recorded one, and goes on with that. Rates that come from a
  /// power may differ by an ulp.
  private mutating func useRecordedRate(_ step: Int) throws {
    guard case .schedule(let schedule) = optimizer.learningRate else { return }
    let rate = schedule.learningRate(at: optimizer.iterations)
    let recorded = recording.rates[step]
    if rate == recorded { return }
    let takesPower =
      schedule is ExponentialDecay || schedule is PolynomialDecay
      || schedule is CosineDecayRestarts
    #expect(
      takesPower && ulpDistance(rate, recorded) <= 1,
      "rate \(rate) of \(schedule), recorded \(recorded), step \(step)")
    try optimizer.setLearningRate(.schedule(RecordedRate(rate: recorded)))
  }

  /// Keras adds more than seven squares in an order of its own.
  private func tolerance(of gradients: [Gradient]) -> Tolerance {
    let isNorm =
      switch optimizer.clipping?.active {
      case .norm, .globalNorm: true
      default: false
      }
    let hasLongSum = recording.series.contains { series in
      let perStep = series.gradients.elementCount / max(1, recording.stepCount)
      return perStep > 7
    }
    return Tolerance(isExact: !(isNorm && hasLongSum))
  }
}

struct RecordedRate: LearningRateSchedule {
  let rate: Float
  func learningRate(at iterations: Int64) -> Float { rate }
}

/// How near to Keras a value must be: equal bits, or where a norm's sum has an order of its own, a few
/// ulps for accumulators and 2e-7 for what follows from them.
struct Tolerance {
  let isExact: Bool

  func expect(_ value: Tensor, _ expected: Tensor, _ what: String, ulps: Int?) {
    guard !isExact else { return expectIdentical(value, expected, "\(what)") }
    guard value.dtype == .float32 || value.dtype == .float64 else {
      return expectNear16(value, expected, what, ulps: ulps)
    }
    let a = value.converted(to: .float64).elements(of: Double.self)
    let b = expected.converted(to: .float64).elements(of: Double.self)
    for (index, (x, y)) in zip(a, b).enumerated() where !(x.isNaN && y.isNaN) && x != y {
      let unit = value.dtype == .float32 ? Double(Float(y).ulp) : y.ulp
      let bound = ulps.map { Double($0) * unit } ?? 2e-7
      #expect(abs(x - y) <= bound, "\(what), element \(index): \(x), recorded \(y)")
    }
  }

  /// 16-bit sums differ by more than any promise; the values stay within a few of their own ulps.
  private func expectNear16(_ value: Tensor, _ expected: Tensor, _ what: String, ulps: Int?) {
    let a = value.converted(to: .float64).elements(of: Double.self)
    let b = expected.converted(to: .float64).elements(of: Double.self)
    let epsilon = value.dtype == .float16 ? 0x1p-10 : 0x1p-7
    for (index, (x, y)) in zip(a, b).enumerated() where !(x.isNaN && y.isNaN) && x != y {
      let bound = 4 * epsilon * max(abs(y), 0.25)
      #expect(abs(x - y) <= bound, "\(what), element \(index): \(x), recorded \(y)")
    }
  }
}

func ulpDistance(_ a: Float, _ b: Float) -> Int {
  func ordered(_ value: Float) -> Int {
    let bits = Int(Int32(bitPattern: value.bitPattern))
    return bits < 0 ? Int(Int32.min) - bits : bits
  }
  return abs(ordered(a) - ordered(b))
}
