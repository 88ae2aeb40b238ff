import KerasConfiguration
import Optimizers
import Tensors
import Testing
import Training

@Suite("Minimizing a loss over the tape")
struct MinimizeTests {
  let variables = ["weights", "unused"].map { name in
    Variable(
      id: VariableID(layer: [name], index: 0), name: name,
      value: Tensor([Float(0.5), -1], shape: [2, 1]))
  }

  /// A loss of the first variable alone: the mean squared error of x * weights.
  func loss(_ tape: inout GradientTape, _ values: [GradientTape.Value]) throws -> GradientTape.Value
  {
    let x = tape.constant(Tensor([Float(1), 2, 3, 4], shape: [2, 2]))
    let output = tape.matmul(x, values[0])
    return tape.loss(
      LossConfiguration(.meanSquaredError), of: output,
      labels: Tensor([Float(1), -1], shape: [2, 1]))
  }

  @Test("gradients of variables that the loss does not depend on are absent")
  func gradients() throws {
    let optimizer = try Optimizer(Adagrad())
    let computed = try optimizer.computeGradients(of: variables, loss: loss)
    // Outputs -1.5 and -2.5, errors -2.5 and -1.5.
    #expect(computed.loss.elements(of: Float.self) == [4.25])
    guard case .dense(let gradient) = computed.gradients[0], case .none = computed.gradients[1]
    else {
      Issue.record("\(computed.gradients)")
      return
    }
    #expect(gradient.elements(of: Float.self) == [-7, -11])
  }

  @Test("a loss on a tape of one's own gives the same")
  func ownTape() throws {
    let optimizer = try Optimizer(Adagrad())
    var tape = GradientTape()
    let values = variables.map { tape.variable($0.value) }
    let value = try loss(&tape, values)
    let computed = optimizer.computeGradients(of: value, on: tape, withRespectTo: values)
    let other = try optimizer.computeGradients(of: variables, loss: loss)
    #expect(computed.loss.isIdentical(to: other.loss))
    guard case .dense(let a) = computed.gradients[0], case .dense(let b) = other.gradients[0]
    else {
      Issue.record("no gradient")
      return
    }
    #expect(a.isIdentical(to: b))
  }

  @Test("minimizing is computing and applying, and a power of two as loss scale leaves the bits")
  func minimize() throws {
    var results: [Tensor] = []
    for scale in [nil, 1024.0] {
      var optimizer = try Optimizer(
        Adagrad(), learningRate: 0.1, arithmetic: .keras3, lossScaleFactor: scale)
      var trained = variables
      let first = try optimizer.minimize(&trained, loss: loss)
      let second = try optimizer.minimize(&trained, loss: loss)
      #expect(first.elements(of: Float.self) == [4.25])
      #expect(second.elements(of: Float.self)[0] < 4.25)
      #expect(trained[1].value.isIdentical(to: variables[1].value))
      #expect(optimizer.iterations == 2)
      results.append(trained[0].value)
    }
    #expect(results[0].isIdentical(to: results[1]))
  }

  @Test("an error in the loss, or of the optimizer, leaves the variables as they were")
  func failure() throws {
    struct Failure: Error {}
    var optimizer = try Optimizer(Adagrad())
    var trained = variables
    #expect(throws: Failure.self) {
      try optimizer.minimize(&trained) { _, _ in throw Failure() }
    }
    #expect(throws: OptimizerError.noGradients(variables: ["weights", "unused"])) {
      try optimizer.minimize(&trained) { tape, _ in tape.constant(Tensor([Float(1)])) }
    }
    #expect(!optimizer.isBuilt)
  }
}
