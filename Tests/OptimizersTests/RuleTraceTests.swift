import KerasConfiguration
import Optimizers
import Tensors
import Testing

/// Replays what eager Keras did, from the same start with the same gradients.
@Suite("SGD, RMSprop, Adam and AdamW replay the traces of eager Keras bit for bit")
struct RuleTraceTests {
  @Test("traces of every rule ship, in both generations")
  func tracesExist() {
    for generation in ["keras-2.12", "keras-3.15"] {
      for rule in ["sgd_", "rmsprop_", "adam_", "adamw_"] {
        let found = RuleTrace.all.filter {
          $0.generation == generation && $0.name.hasPrefix(rule)
        }
        #expect(found.count >= 7)
      }
    }
  }

  @Test("every variable and slot of every step", arguments: RuleTrace.all)
  func replay(_ trace: RuleTrace) throws {
    let recording = try trace.load()
    var optimizer = try Optimizer(configuration: recording.configuration)
    var variables = recording.names.enumerated().map { index, name in
      Variable(
        id: VariableID(layer: [name], index: 0), name: name, value: recording.initial[index])
    }
    try exclude(recording.exclusions, of: variables, in: &optimizer)
    try optimizer.build(for: variables)
    for step in 0..<recording.stepCount {
      var absent: Set<Int> = []
      for event in recording.events where event["step"]?.int == step {
        if let counter = event["iterations"]?.int { optimizer.iterations = Int64(counter) }
        absent.formUnion((event["absentGradients"]?.array ?? []).compactMap(\.int))
      }
      let gradients = variables.indices.map { index -> Gradient in
        absent.contains(index) ? .none : recording.gradient(of: index, at: step)
      }
      try optimizer.applyGradients(gradients, to: &variables)
      #expect(optimizer.iterations == recording.iterations[step])
      #expect(Set(optimizer.slots.names) == Set(recording.slots.keys))
      for (index, variable) in variables.enumerated() {
        let shape = variable.value.shape
        func expect(_ value: Tensor?, _ stack: Tensor?, _ what: String) throws {
          let value = try #require(value)
          let expected = try #require(stack).entry(step, shape: shape)
          if recording.dependsOnApproximation(what) {
            expectAlmostIdentical(value, expected, "\(what) of \(variable.name), step \(step)")
          } else {
            expectIdentical(value, expected, "\(what) of \(variable.name), step \(step)")
          }
        }
        try expect(variable.value, recording.variables[index], "value")
        for slot in optimizer.slots.names {
          try expect(
            optimizer.slots[slot, variable.id], recording.slots[slot]?[index], slot)
        }
      }
    }
  }

  @Test("the C library's powers of beta are TensorFlow's", arguments: RuleTrace.all)
  func powers(_ trace: RuleTrace) throws {
    let recording = try trace.load()
    guard let powers = recording.betaPowers else { return }
    func expect<T: UpdateScalar>(_: T.Type) throws {
      let (beta1, beta2): (Double, Double)
      switch recording.configuration.rule {
      case .adam(let first, let second, _, _), .adamW(let first, let second, _, _):
        (beta1, beta2) = (first, second)
      default: return
      }
      let steps = recording.configuration.gradientAccumulationSteps ?? 1
      for (step, counter) in recording.iterations.enumerated() {
        let exponent = T(Double((counter - 1) / Int64(steps) + 1))
        let expected = powers.entry(step, shape: [2])
        let found = Tensor([T.pow(T(Float(beta1)), exponent), T.pow(T(Float(beta2)), exponent)])
        expectIdentical(found, expected, "step \(step)")
      }
    }
    switch powers.dtype {
    case .float16: try expect(Float16.self)
    case .bfloat16: try expect(BFloat16.self)
    case .float64: try expect(Double.self)
    default: try expect(Float.self)
    }
  }

  /// Carries out `exclude_from_weight_decay`.
  private func exclude(
    _ exclusions: JSONValue?, of variables: [Variable], in optimizer: inout Optimizer
  ) throws {
    guard let exclusions else { return }
    try optimizer.excludeFromWeightDecay(
      Set((exclusions["variables"]?.array ?? []).compactMap(\.int).map { variables[$0].id }),
      patterns: (exclusions["patterns"]?.array ?? []).compactMap(\.string))
  }

  /// For the roots that TensorFlow takes with the processor's approximation, eight elements at a time:
  /// the elements left over are equal; the others stay within 2e-6, which is 4 ulp of each step (at most
  /// 2 or so, as a momentum of 0.9 repeats steps of 0.2) and the rounding of variables up to 8.
  private func expectAlmostIdentical(_ a: Tensor, _ b: Tensor, _ comment: Comment) {
    let (found, expected) = (a.elements(of: Float.self), b.elements(of: Float.self))
    let approximated = found.count / 8 * 8
    #expect(found[approximated...] == expected[approximated...], comment)
    for i in 0..<approximated { #expect(abs(found[i] - expected[i]) <= 2e-6, comment) }
  }
}

extension RuleRecording {
  /// Whether `what` follows from `1 / sqrt` of eight or more float32 numbers by TensorFlow; fewer are
  /// computed one by one, to the bit.
  fileprivate func dependsOnApproximation(_ what: String) -> Bool {
    guard case .rmsprop = configuration.rule, configuration.arithmetic == .keras2,
      initial.contains(where: { $0.dtype == .float32 && $0.elementCount >= 8 })
    else { return false }
    return ["value", "momentum", "average"].contains(what)
  }
}
