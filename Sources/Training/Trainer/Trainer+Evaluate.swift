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
    // Nobody stops it.
    return try evaluate(data, variables: variables) { _, _ in .proceed }!
  }

  /// ``evaluate(_:variables:)`` of what has been checked; nil when it was stopped.
  ///
  /// - Parameter onBatch: called after each batch, with its number and how many there are.
  func evaluate(
    _ data: Dataset, variables: [Variable],
    onBatch: (_ batch: Int, _ batchCount: Int) throws(TrainingError) -> FitAction
  ) throws(TrainingError) -> [NamedValue]? {
    let batchCount = (data.rowCount + batchSize - 1) / batchSize
    var means = RunningMeans()
    for number in 0..<batchCount {
      let start = number * batchSize
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
      if try onBatch(number, batchCount) == .stop { return nil }
    }
    return means.values
  }
}
