import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite("Layers")
struct LayerTests {
  private let stream = RandomStream(seed: 11)

  /// Checks the gradients by all trainable variables of a model of one or a few layers.
  private func check(
    _ model: Model, _ input: Tensor, tolerance: Double = 4e-6,
    reference: ([[Double]]) -> [Double]
  ) {
    let variables = model.trainableVariables.map {
      normalTensor(model.variables[$0].name, model.variables[$0].shape)
    }
    let constants = model.initialVariables(seed: 0)
    checkGradient(of: variables, tolerance: tolerance) { tape, values in
      var all: [GradientTape.Value] = []
      for variable in constants { all.append(tape.constant(variable.value)) }
      for (index, value) in zip(model.trainableVariables, values) { all[index] = value }
      let pass = ForwardPass.training(stream: stream)
      return try! model.forward(&tape, input, variables: all, pass: pass).output
    } reference: {
      reference($0)
    }
  }

  @Test("Dense multiplies, adds its bias and activates")
  func dense() throws {
    let model = try Model.sequential(
      inputShape: [3], [.dense(.init(units: 2, activation: .sigmoid))])
    let x = normalTensor("x", [4, 3])
    let inputs = x.elements(of: Float.self).map(Double.init)
    check(model, x) { variables in
      table(8) { index in
        let product = sum(3) {
          inputs[index / 2 * 3 + $0] * variables[0][$0 * 2 + index % 2]
        }
        return 1 / (1 + exp(-product - variables[1][index % 2]))
      }
    }
  }

  @Test("Embedding and GlobalAveragePooling1D average the rows of a sequence")
  func embedding() throws {
    let model = try Model.sequential(
      inputShape: [nil],
      [
        .embedding(.init(inputDimension: 5, outputDimension: 2)), .globalAveragePooling1D(),
      ])
    let ids = [3, 0, 3, 1, 1, 1]
    check(model, Tensor(ids.map(Int64.init), shape: [2, 3])) { variables in
      table(4) { index in
        sum(3) { variables[0][ids[index / 2 * 3 + $0] * 2 + index % 2] } / 3
      }
    }
  }

  @Test("BatchNormalization scales and shifts what it normalized by the batch")
  func batchNormalization() throws {
    let model = try Model.sequential(inputShape: [2], [.batchNormalization(.init())])
    let x = Tensor([1, 10, 2, 20, 6, -30] as [Float], shape: [3, 2])
    check(model, x) { variables in
      let normalized = [-2.0, 10, -1, 20, 3, -30]
      let variances = [14.0 / 3, 1400.0 / 3]
      return table(6) { index in
        let column = index % 2
        let y = normalized[index] / (variances[column] + 0.001).squareRoot()
        return y * variables[0][column] + variables[1][column]
      }
    }
  }

  @Test("BatchNormalization moves its statistics by the biased variance of the batch")
  func movingStatistics() throws {
    let model = try Model.sequential(inputShape: [1], [.batchNormalization(.init(momentum: 0.9))])
    let updates = try statistics(model, Tensor([0, 2, 4, 6] as [Float], shape: [4, 1]))
    // Mean 3, biased variance 5, from 0 and 1.
    expectClose(updates, [0.3, 0.9 + 0.5], tolerance: 1e-7, "moving mean and variance")
  }

  @Test(
    "the moving variance of images is Keras 2's, which its fused kernel corrects, or Keras 3's",
    arguments: [(Dialect.keras2, 20.0 / 3), (.keras3, 5.0)])
  func movingVarianceOfImages(dialect: Dialect, variance: Double) throws {
    let model = try Model.sequential(
      inputShape: [2, 2, 1], [.batchNormalization(.init(momentum: 0.9))], dialect: dialect)
    let updates = try statistics(model, Tensor([0, 2, 4, 6] as [Float], shape: [1, 2, 2, 1]))
    expectClose(updates, [0.3, 0.9 + 0.1 * variance], tolerance: 1e-7, "moving mean and variance")
  }

  @Test("a frozen BatchNormalization uses its moving statistics in training and keeps them")
  func frozenBatchNormalization() throws {
    let model = try Model.sequential(
      inputShape: [1],
      layers: [
        LayerConfiguration(
          name: "frozen", isTrainable: false, .batchNormalization(.init(epsilon: 0)))
      ])
    #expect(model.trainableVariables.isEmpty)
    let x = Tensor([0, 2] as [Float], shape: [2, 1])
    #expect(try statistics(model, x).isEmpty)
    #expect(try forward(model, x, pass: .training(stream: stream)) == [0, 2])
  }

  private func statistics(_ model: Model, _ input: Tensor) throws -> [Float] {
    var tape = GradientTape()
    var values: [GradientTape.Value] = []
    for variable in model.initialVariables(seed: 0) { values.append(tape.constant(variable.value)) }
    let (_, updates) = try model.forward(
      &tape, input, variables: values, pass: .training(stream: stream))
    return updates.flatMap { $0.value.elements(of: Float.self) }
  }

  @Test("Flatten keeps the batch and joins the rest")
  func flatten() throws {
    let model = try Model.sequential(inputShape: [2, 3], [.flatten])
    #expect(model.outputShape == [nil, 6])
    let x = normalTensor("x", [4, 2, 3])
    let y = try model.predict(x, variables: [])
    #expect(y.isIdentical(to: x.reshaped(to: [4, 6])))
  }

  @Test("GlobalAveragePooling1D can keep the axis of steps")
  func keepsDimensions() throws {
    let model = try Model.sequential(
      inputShape: [2, 1], [.globalAveragePooling1D(keepsDimensions: true)])
    let y = try model.predict(Tensor([1, 3] as [Float], shape: [1, 2, 1]), variables: [])
    #expect(y.isIdentical(to: Tensor([2] as [Float], shape: [1, 1, 1])))
  }

  @Test("ReLU, Softmax and Activation layers do what the functions do")
  func activations() throws {
    let model = try Model.sequential(
      inputShape: [2],
      [.relu(.init(maximum: 1)), .activation(.exponential), .softmax()])
    let y = try model.predict(Tensor([-1, 5] as [Float], shape: [1, 2]), variables: [])
    // exp(0) = 1 and exp(1) = e, then the softmax of these.
    let first = 1 / (1 + exp(exp(1.0) - 1))
    expectClose(y.elements(of: Float.self), [first, 1 - first], tolerance: 1e-6, "softmax")
  }
}

@Suite("Dropout")
struct DropoutTests {
  private let model = try! Model.sequential(inputShape: [50], [.dropout(.init(rate: 0.3))])
  private let ones = Tensor(repeating: 1, shape: [40, 50])

  private func mask(_ state: TrainingState, _ model: Model? = nil, rows: Range<Int> = 0..<40)
    throws -> [Float]
  {
    let part = Tensor(repeating: 1, shape: [rows.count, 50])
    return try forward(
      model ?? self.model, part,
      pass: .training(stream: state.dropoutStream, firstRow: rows.lowerBound))
  }

  private func state(seed: UInt64 = 5, epoch: Int = 0, step: Int64 = 0) throws -> TrainingState {
    TrainingState(
      variables: [], optimizer: try Optimizer(Adagrad()), seed: seed,
      position: .init(epoch: epoch, batch: 0, step: step))
  }

  @Test("the mask is a function of seed, epoch, step and layer")
  func deterministic() throws {
    let reference = try mask(state(step: 3))
    #expect(try mask(state(step: 3)) == reference)
    #expect(try mask(state(step: 4)) != reference)
    #expect(try mask(state(seed: 6, step: 3)) != reference)
    #expect(try mask(state(epoch: 1, step: 3)) != reference)
    let renamed = try Model.sequential(
      inputShape: [50], layers: [.init(name: "other", .dropout(.init(rate: 0.3)))])
    #expect(try mask(state(step: 3), renamed) != reference)
    let seeded = try Model.sequential(inputShape: [50], [.dropout(.init(rate: 0.3, seed: 1))])
    #expect(try mask(state(step: 3), seeded) != reference)
  }

  @Test("two halves of a batch get the mask of the whole")
  func halves() throws {
    let whole = try mask(state(step: 3))
    let halves = try mask(state(step: 3), rows: 0..<17) + mask(state(step: 3), rows: 17..<40)
    #expect(halves == whole)
  }

  @Test("kept elements are scaled, and the share dropped is the rate")
  func rate() throws {
    let values = try mask(state())
    #expect(Set(values) == [0, 1 / Float(0.7)])
    let dropped = Double(values.count { $0 == 0 }) / 2000
    // Four standard deviations of 2000 draws.
    #expect(abs(dropped - 0.3) < 4 * (0.3 * 0.7 / 2000).squareRoot())
  }

  @Test("nothing is dropped outside training, everything at rate 1")
  func extremes() throws {
    #expect(try forward(model, ones, pass: .inference) == Array(repeating: 1, count: 2000))
    let all = try Model.sequential(inputShape: [50], [.dropout(.init(rate: 1))])
    #expect(try mask(state(), all) == Array(repeating: 0, count: 2000))
  }
}

private func forward(_ model: Model, _ input: Tensor, pass: ForwardPass) throws -> [Float] {
  var tape = GradientTape()
  var values: [GradientTape.Value] = []
  for variable in model.initialVariables(seed: 0) { values.append(tape.constant(variable.value)) }
  let (output, _) = try model.forward(&tape, input, variables: values, pass: pass)
  return tape[output].elements(of: Float.self)
}
