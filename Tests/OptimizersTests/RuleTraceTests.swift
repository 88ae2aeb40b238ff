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
          expectIdentical(value, expected, "\(what) of \(variable.name), step \(step)")
        }
        try expect(variable.value, recording.variables[index], "value")
        for slot in optimizer.slots.names {
          try expect(
            optimizer.slots[slot, variable.id], recording.slots[slot]?[index], slot)
        }
      }
    }
  }
}
