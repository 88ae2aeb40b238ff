import KerasConfiguration
import Optimizers
import Tensors
import Testing

/// Replays what eager Keras did, from the same start with the same gradients.
@Suite("Adagrad replays the traces of eager Keras bit for bit")
struct TraceTests {
  @Test("both generations' traces ship")
  func tracesExist() {
    for generation in ["keras-2.12", "keras-3.15"] {
      #expect(Trace.all.filter { $0.generation == generation }.count >= 30)
    }
  }

  @Test("every variable, accumulator and average of every step", arguments: Trace.all)
  func replay(_ trace: Trace) throws {
    let recording = try trace.load()
    var optimizer = try Optimizer(configuration: recording.configuration)
    try optimizer.setLearningRate(.constant(Float(recording.initialLearningRate)))
    var variables = recording.series.enumerated().map { index, series in
      Variable(
        id: VariableID(layer: [series.name], index: index), name: series.name,
        value: series.initial)
    }
    try optimizer.build(for: variables)
    for step in 0..<recording.stepCount {
      let events = recording.events.filter { $0.step == step }
      for event in events {
        if let iterations = event.iterations { optimizer.iterations = iterations }
        if let rate = event.learningRate { try optimizer.setLearningRate(.constant(Float(rate))) }
      }
      let absent = events.flatMap(\.absentGradients)
      let gradients = recording.series.enumerated().map { index, series -> Gradient in
        absent.contains(index)
          ? .none : .dense(series.gradients.entry(step, shape: series.initial.shape))
      }
      try optimizer.applyGradients(gradients, to: &variables)
      #expect(optimizer.iterations == recording.iterations[step])
      for (variable, series) in zip(variables, recording.series) {
        func expect(_ value: Tensor?, _ stack: Tensor?, _ what: String) {
          let expected = stack?.entry(step, shape: series.initial.shape)
          switch (value, expected) {
          case (nil, nil): break
          case (let value?, let expected?):
            expectIdentical(value, expected, "\(what) of \(series.name), step \(step)")
          default: Issue.record("\(what) of \(series.name): only one of the two has it")
          }
        }
        expect(variable.value, series.variables, "value")
        expect(optimizer.slots["accumulator", variable.id], series.accumulators, "accumulator")
        expect(optimizer.slots["average", variable.id], series.averages, "average")
      }
    }
    try optimizer.finalizeVariableValues(&variables)
    for (variable, series) in zip(variables, recording.series) {
      if let finalized = series.finalized { expectIdentical(variable.value, finalized) }
    }
  }
}
