public import Tensors

extension Trainer {
  /// The loss and the metrics over a data set, without dropout and by the moving statistics: `loss` as
  /// the mean over the rows, then each metric.
  ///
  /// Throws what ``check(_:)`` and ``Model/check(_:)`` throw. The values may be NaN.
  public func evaluate(
    _ data: Dataset, variables: [Variable]
  ) throws(TrainingError) -> [NamedValue] {
    try check(data)
    try model.check(variables)
    var means = RunningMeans()
    for start in stride(from: 0, to: data.rowCount, by: batchSize) {
      let batch = data.batch(at: start..<min(start + batchSize, data.rowCount))
      var tape = GradientTape(isRecording: false, threadCount: threadCount)
      var values: [GradientTape.Value] = []
      for variable in variables { values.append(tape.constant(variable.value)) }
      let (output, _) = try model.forward(&tape, batch.inputs, variables: values)
      let float32 = tape.float32(output)
      let mean = tape.loss(loss, of: float32, labels: batch.labels)
      let lossValue = tape[mean].withFloats { $0[0] }
      means.add(
        sums(loss: lossValue, output: tape[float32], batch: batch), rowCount: batch.rowCount)
    }
    return means.values
  }
}
