import Foundation
import KerasConfiguration
import Optimizers
import Tensors
import TestSupport
import Testing

// The rule of the article `WritingARule`, letter for letter.

/// Adadelta (Zeiler, 2012): steps as large as recent steps, relative to recent gradients.
struct Adadelta: ScalarUpdateRule {
  var rho = 0.95
  var epsilon = 1e-7

  var className: String { "Adadelta" }

  func slots(for variable: VariableDescription, arithmetic: Arithmetic) -> [SlotDescription] {
    ["squared_gradients", "squared_steps"].map {
      SlotDescription(name: $0, initialValue: .constant(0))
    }
  }

  func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let rate = elements.scalars.rate(as: T.self)
    let (keep, take, epsilon) = (T(rho), T(1 - rho), T(epsilon))
    let gradient = elements.gradientElements(of: T.self)
    let (gradients, steps) = (elements.slot(0), elements.slot(1))
    for i in 0..<elements.count {
      let g = gradient[i]
      let oldSteps = steps.oldElements(of: T.self)[i]
      let squares = keep * gradients.oldElements()[i] + take * (g * g)
      let step = T.sqrt(oldSteps + epsilon) / T.sqrt(squares + epsilon) * g
      gradients.newElements()[i] = squares
      steps.newElements()[i] = keep * oldSteps + take * (step * step)
      elements.variable.newElements()[i] = elements.variable.oldElements()[i] - rate * step
    }
  }
}

@Suite("The rule that the documentation writes")
struct WritingARuleTests {
  @Test("the article shows the rule that is tested here")
  func article() throws {
    let tests = try String(contentsOfFile: #filePath, encoding: .utf8)
    let start = try #require(tests.range(of: "/// Adadelta (Zeiler"))
    let end = try #require(tests.range(of: "@Suite(\"The rule that the documentation writes\")"))
    let rule = tests[start.lowerBound..<end.lowerBound]
    let article = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/Optimizers/Optimizers.docc/WritingARule.md")
    let text = try String(contentsOf: article, encoding: .utf8)
    #expect(text.contains("```swift\n\(rule.trimmingCharacters(in: .newlines))\n```"))
  }

  /// The formula in double, one element.
  private struct Reference {
    var value: Double
    var squares = 0.0
    var steps = 0.0

    mutating func step(_ g: Double, rate: Double) {
      squares = 0.95 * squares + (1 - 0.95) * (g * g)
      let step = (steps + 1e-7).squareRoot() / (squares + 1e-7).squareRoot() * g
      steps = 0.95 * steps + (1 - 0.95) * (step * step)
      value -= rate * step
    }
  }

  @Test("follows its formula", arguments: [Arithmetic.keras2, .keras3])
  func formula(arithmetic: Arithmetic) throws {
    var variables = [variable("x", [1.0, -2.0, 0.5])]
    var references = [1.0, -2.0, 0.5].map { Reference(value: $0) }
    var optimizer = try Optimizer(Adadelta(), learningRate: 1, arithmetic: arithmetic)
    for gradient in [[0.5, -1, 0], [2, 0.25, 3], [-1, 1, 1e-3]] {
      let snapshot = variables
      try optimizer.applyGradients([dense(gradient)], to: &variables)
      withExtendedLifetime(snapshot) {}
      for i in 0..<3 { references[i].step(gradient[i], rate: 1) }
      #expect(variables[0].value.elements(of: Double.self) == references.map(\.value))
      #expect(
        try optimizer.slot("squared_steps", of: "x").elements(of: Double.self)
          == references.map(\.steps))
    }
    #expect(optimizer.iterations == 3)
  }

  @Test("works in every dtype", arguments: [DType.float16, .bfloat16, .float32])
  func dtypes(_ dtype: DType) throws {
    let start = Tensor([1.0, -2, 0.5]).converted(to: dtype)
    var variables = [Variable(id: VariableID(layer: ["x"], index: 0), name: "x", value: start)]
    var optimizer = try Optimizer(
      Adadelta(rho: 0.5, epsilon: 0.25), learningRate: 1)
    try optimizer.applyGradients(
      [.dense(Tensor([2.0, 0, -2]).converted(to: dtype))], to: &variables)
    // squares 2, 0, 2; step 2 * sqrt(0.25 / 2.25) = 2 / 3.
    let found = variables[0].value.converted(to: .float64).elements(of: Double.self)
    let tolerance = dtype == .float32 ? 1e-6 : 1e-2
    for (a, b) in zip(found, [1 - 2.0 / 3, -2, 0.5 + 2.0 / 3]) { #expect(abs(a - b) < tolerance) }
  }

  @Test("leaves rows alone that no gradient names, and takes repeated ones as its generation does")
  func rowGradients() throws {
    for arithmetic in [Arithmetic.keras2, .keras3] {
      var variables = [variable("x", [1.0, 2, 3], shape: [3, 1])]
      var optimizer = try Optimizer(Adadelta(), learningRate: 1, arithmetic: arithmetic)
      try optimizer.applyGradients([rows([2, 2], [0.5, 1.0], of: [3, 1])], to: &variables)
      var reference = Reference(value: 3)
      for g in arithmetic == .keras3 ? [0.5, 1] : [1.5] { reference.step(g, rate: 1) }
      #expect(variables[0].value.elements(of: Double.self) == [1, 2, reference.value])
    }
  }

  @Test("shares the base class's options, and has no name in Keras's files")
  func baseClass() throws {
    var variables = [variable("x", [1.0])]
    var optimizer = try Optimizer(Adadelta(), learningRate: 0.5, weightDecay: 0.5)
    try optimizer.applyGradients([dense([0.0])], to: &variables)
    #expect(variables[0].value.elements(of: Double.self) == [0.75])
    #expect(throws: OptimizerError.unsupportedClass("Adadelta")) {
      _ = try optimizer.configuration()
    }
  }
}
