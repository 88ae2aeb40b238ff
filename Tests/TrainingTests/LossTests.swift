import KerasConfiguration
import Tensors
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite("Losses and their gradients, against double precision")
struct LossTests {
  private let logits = normalTensor("logits", [4, 3], scale: 2)
  private let probabilities = Tensor(
    [0.2, 0.5, 0.3, 0.7, 0.2, 0.4, 0.1, 0.1, 0.9, 0.6, 0.3, 0.1] as [Float], shape: [4, 3])
  private let classes = Tensor([2, 0, 1, 1] as [Int64])
  private let distributions = Tensor(
    [0.2, 0.3, 0.5, 1, 0, 0, 0, 1, 0, 0.25, 0.25, 0.5] as [Float], shape: [4, 3])
  private let bits = Tensor([1, 0, 0, 1, 1, 0, 0, 0.25, 1, 1, 0, 0] as [Float], shape: [4, 3])

  private func check(
    _ loss: LossConfiguration, of output: Tensor, labels: Tensor,
    activation: ActivationFunction = .linear,
    reference: (_ y: [Double], _ t: [Double]) -> Double
  ) {
    let targets = labels.converted(to: .float64).elements(of: Double.self)
    checkGradient(of: [output]) { tape, values in
      let output = tape.activate(values[0], activation)
      return tape.loss(loss, of: output, labels: labels)
    } reference: { inputs in
      [reference(inputs[0], targets)]
    }
  }

  @Test(
    "sparse categorical cross-entropy of logits, and of what a softmax was given",
    arguments: [(true, ActivationFunction.linear), (false, .softmax), (true, .softmax)])
  func sparseFromLogits(fromLogits: Bool, activation: ActivationFunction) {
    check(
      .init(.sparseCategoricalCrossentropy, isFromLogits: fromLogits), of: logits, labels: classes,
      activation: activation
    ) { x, labels in
      sum(4) { -logSoftmax(x, row: $0)[Int(labels[$0])] } / 4
    }
  }

  @Test("sparse categorical cross-entropy of probabilities renormalizes them")
  func sparseFromProbabilities() {
    check(.init(.sparseCategoricalCrossentropy), of: probabilities, labels: classes) { p, labels in
      sum(4) { row in
        let own = table(3) { p[row * 3 + $0] }
        return -log(own[Int(labels[row])] / sum(3) { own[$0] })
      } / 4
    }
  }

  @Test(
    "categorical cross-entropy of logits, and of what a softmax was given",
    arguments: [(true, ActivationFunction.linear), (false, .softmax)])
  func categoricalFromLogits(fromLogits: Bool, activation: ActivationFunction) {
    check(
      .init(.categoricalCrossentropy, isFromLogits: fromLogits), of: logits, labels: distributions,
      activation: activation
    ) { x, t in
      sum(4) { row in
        let logarithms = logSoftmax(x, row: row)
        return sum(3) { -t[row * 3 + $0] * logarithms[$0] }
      } / 4
    }
  }

  @Test("categorical cross-entropy of probabilities renormalizes them")
  func categoricalFromProbabilities() {
    check(.init(.categoricalCrossentropy), of: probabilities, labels: distributions) { p, t in
      sum(4) { row in
        let total = sum(3) { p[row * 3 + $0] }
        return sum(3) { -t[row * 3 + $0] * log(p[row * 3 + $0] / total) }
      } / 4
    }
  }

  @Test(
    "binary cross-entropy of logits, and of what a sigmoid was given",
    arguments: [(true, ActivationFunction.linear), (false, .sigmoid)])
  func binaryFromLogits(fromLogits: Bool, activation: ActivationFunction) {
    check(
      .init(.binaryCrossentropy, isFromLogits: fromLogits), of: logits, labels: bits,
      activation: activation
    ) { x, t in
      binaryCrossEntropy(x.map { 1 / (1 + exp(-$0)) }, t)
    }
  }

  @Test("binary cross-entropy of probabilities")
  func binaryFromProbabilities() {
    check(.init(.binaryCrossentropy), of: probabilities, labels: bits) {
      binaryCrossEntropy($0, $1)
    }
  }

  @Test("mean squared error")
  func meanSquaredError() {
    check(.init(.meanSquaredError), of: logits, labels: bits) { y, t in
      sum(12) { (y[$0] - t[$0]) * (y[$0] - t[$0]) } / 12
    }
  }

  @Test("a wrong and certain softmax has a large finite loss and a gradient")
  func saturatedSoftmax() {
    var tape = GradientTape()
    let x = tape.variable(Tensor([200, 0] as [Float], shape: [1, 2]))
    let output = tape.activate(x, .softmax)
    let loss = tape.loss(
      .init(.sparseCategoricalCrossentropy), of: output, labels: Tensor([Int32(1)]))
    #expect(tape[loss].elements(of: Float.self) == [200])
    let gradients = tape.gradients(of: loss, withRespectTo: [x])
    #expect(elements(of: gradients[0], count: 2) == [1, -1])
  }

  @Test("probabilities of 0 and 1 are clipped to 1e-7, where the gradient is zero")
  func clippedProbabilities() {
    var tape = GradientTape()
    let p = tape.variable(Tensor([1, 0] as [Float], shape: [1, 2]))
    let loss = tape.loss(
      .init(.categoricalCrossentropy), of: p, labels: Tensor([0, 1] as [Float], shape: [1, 2]))
    let value = tape[loss].elements(of: Float.self)[0]
    #expect(abs(value - 16.118095) < 1e-5)
    #expect(elements(of: tape.gradients(of: loss, withRespectTo: [p])[0], count: 2) == [0, 0])
  }

  @Test("a loss of sequences is the mean over all their steps")
  func sequences() {
    let output = normalTensor("sequence", [2, 2, 3])
    let flat = output.reshaped(to: [4, 3])
    func value(_ output: Tensor, _ labels: Tensor) -> Float {
      var tape = GradientTape(isRecording: false)
      let x = tape.constant(output)
      let loss = tape.loss(
        .init(.sparseCategoricalCrossentropy, isFromLogits: true), of: x, labels: labels)
      return tape[loss].elements(of: Float.self)[0]
    }
    #expect(value(output, classes.reshaped(to: [2, 2])) == value(flat, classes))
  }
}

@Suite("Labels")
struct LabelTests {
  @Test("labels in range, of any number type and either shape, pass")
  func goodLabels() throws {
    let sparse = LossConfiguration(.sparseCategoricalCrossentropy)
    try sparse.checkLabels(Tensor([0, 9] as [UInt8]), rowShape: [10])
    try sparse.checkLabels(Tensor([0, 9] as [Float], shape: [2, 1]), rowShape: [10])
    try LossConfiguration(.binaryCrossentropy).checkLabels(Tensor([true, false]), rowShape: [1])
    try LossConfiguration(.meanSquaredError).checkLabels(Tensor([3, 4] as [Float]), rowShape: [1])
  }

  @Test("a label beyond the classes is an error that names its row")
  func outOfRange() {
    let loss = LossConfiguration(.sparseCategoricalCrossentropy)
    let error = #expect(throws: TrainingError.self) {
      try loss.checkLabels(Tensor([0, 3, 10, -1] as [Int32]), rowShape: [10])
    }
    guard case .labelOutOfRange(row: 2, value: 10, _)? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    #expect(
      error?.description == "the label of row 2 is 10: expected a whole number in 0..<10")
  }

  @Test("fractions and NaN are no classes", arguments: [0.5, .nan, -1])
  func noClass(value: Double) {
    #expect(throws: TrainingError.self) {
      try LossConfiguration(.sparseCategoricalCrossentropy).checkLabels(
        Tensor([value]), rowShape: [10])
    }
  }

  @Test("binary labels lie between 0 and 1")
  func binary() {
    #expect(throws: TrainingError.self) {
      try LossConfiguration(.binaryCrossentropy).checkLabels(
        Tensor([0, 2] as [Float]), rowShape: [1])
    }
  }

  @Test("labels of another shape than the outputs are refused")
  func shape() {
    #expect(throws: TrainingError.self) {
      try LossConfiguration(.meanSquaredError).checkLabels(Tensor(zeros: [4]), rowShape: [2])
    }
    #expect(throws: TrainingError.self) {
      try LossConfiguration(.categoricalCrossentropy).checkLabels(
        Tensor(zeros: [4, 3]), rowShape: [10])
    }
  }
}

// MARK: - References

private func logSoftmax(_ x: [Double], row: Int) -> [Double] {
  let logSum = log(sum(3) { exp(x[row * 3 + $0]) })
  return table(3) { x[row * 3 + $0] - logSum }
}

private func binaryCrossEntropy(_ p: [Double], _ t: [Double]) -> Double {
  sum(p.count) { -t[$0] * log(p[$0]) - (1 - t[$0]) * log(1 - p[$0]) } / Double(p.count)
}
