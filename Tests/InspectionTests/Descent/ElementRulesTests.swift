import Tensors
import Testing

@testable import Inspection

@Suite("What training asks of an element")
struct ElementRulesTests {
  /// Ten updates at a rate of 0.1.
  private var rules: ElementRules {
    let precision = UpdateBound.Precision(.float32)!
    var rules = ElementRules(
      updateCount: 10, roundoff: precision.roundoff, underflow: precision.underflow)
    rules.bound = UpdateBound(
      updateCount: 10, squaredRateSum: 0.1, epsilon: 1e-7, precision: precision)
    return rules
  }

  private func kinds(
    _ rules: ElementRules, weight: (Double, Double) = (1, 1.01),
    accumulator: (Double, Double) = (0.1, 0.2), average: (Double, Double) = (0, 0)
  ) -> [Contradiction.Kind] {
    rules.findings(.init(weight: weight, accumulator: accumulator, average: average)).map(\.kind)
  }

  @Test("an accumulator may grow and stay, and must not fall")
  func falling() {
    #expect(kinds(rules).isEmpty)
    #expect(kinds(rules, weight: (1, 1), accumulator: (0.1, 0.1)).isEmpty)
    #expect(kinds(rules, accumulator: (0.2, 0.19)) == [.accumulatorFell])
    #expect(kinds(rules, accumulator: (.infinity, 1)) == [.accumulatorFell])
    // Keras flushes subnormal numbers to zero.
    #expect(kinds(rules, weight: (1, 1), accumulator: (1e-40, 0)).isEmpty)
  }

  @Test("a weight must not go further than its accumulator accounts for")
  func moving() {
    // sqrt(0.1 * 10 * (1 - 0.5^(1/10))) = 0.2588
    #expect(kinds(rules, weight: (1, 1.258)).isEmpty)
    #expect(kinds(rules, weight: (1, 0.742)).isEmpty)
    #expect(kinds(rules, weight: (1, 1.26)) == [.movedTooFar])
    #expect(kinds(rules, weight: (1, 0.74)) == [.movedTooFar])
    // An accumulator in which all squares vanished still lets the weight move a little.
    #expect(kinds(rules, weight: (1, 1.0002), accumulator: (0.1, 0.1)).isEmpty)
    #expect(kinds(rules, weight: (1, 1.0003), accumulator: (0.1, 0.1)) == [.movedTooFar])
    // One that overflowed lets it go by the rate in every update.
    #expect(kinds(rules, weight: (1, 1.99), accumulator: (0.1, .infinity)).isEmpty)
    #expect(kinds(rules, weight: (1, 2.01), accumulator: (0.1, .infinity)) == [.movedTooFar])
  }

  @Test("clipped gradients let an accumulator grow by their squares at most")
  func clipping() {
    var rules = rules
    rules.greatestSquare = 0.01
    #expect(kinds(rules, accumulator: (0.1, 0.2)).isEmpty)
    #expect(kinds(rules, accumulator: (0.1, 0.201)) == [.grewBeyondClipping])
    #expect(kinds(rules, accumulator: (0.1, .infinity)) == [.grewBeyondClipping])
  }

  @Test("NaN comes from NaN in the accumulator, reaches the weight, and never goes")
  func notANumber() {
    #expect(kinds(rules, weight: (1, .nan), accumulator: (0.1, .nan)).isEmpty)
    #expect(kinds(rules, weight: (1, .nan), accumulator: (0.1, .infinity)).isEmpty)
    #expect(kinds(rules, weight: (.nan, .nan), accumulator: (.nan, .nan)).isEmpty)
    #expect(kinds(rules, weight: (1, .nan)) == [.notANumberWithoutCause])
    #expect(kinds(rules, weight: (1, .infinity)) == [.notANumberWithoutCause])
    #expect(
      kinds(rules, weight: (1, 1), accumulator: (0.1, .nan)) == [.notANumberWithoutEffect])
    #expect(kinds(rules, weight: (.nan, 1)) == [.notANumberHealed])
    #expect(
      kinds(rules, weight: (.nan, .nan), accumulator: (.nan, 0.1)) == [.notANumberHealed])
  }

  @Test("without an update nothing changes")
  func withoutUpdate() {
    var rules = rules
    rules.updateCount = 0
    #expect(kinds(rules, weight: (1, 1), accumulator: (0.1, 0.1)).isEmpty)
    #expect(kinds(rules, weight: (0, -0.0), accumulator: (0.1, 0.1)).isEmpty)
    #expect(
      kinds(rules, weight: (1, 1.0000001), accumulator: (0.1, 0.1)) == [.changedWithoutUpdate])
    #expect(kinds(rules, weight: (1, 1), accumulator: (0.1, 0.1000001)) == [.grewWithoutUpdate])
  }

  @Test("decay leads a weight toward zero, and not beyond")
  func decay() {
    var rules = rules
    rules.leastRetention = 0.5
    #expect(kinds(rules, weight: (4, 2)).isEmpty)
    #expect(kinds(rules, weight: (-4, -2)).isEmpty)
    #expect(kinds(rules, weight: (4, 1.7)) == [.movedTooFar])
    #expect(kinds(rules, weight: (4, 4.3)) == [.movedTooFar])
  }

  @Test("an average may replace the weight, and is itself never far from both")
  func averages() {
    var rules = rules
    rules.hasAverages = true
    #expect(kinds(rules, weight: (1, 3), average: (3, 2)).isEmpty)
    #expect(kinds(rules, weight: (1, 1), average: (3, 3.2)).isEmpty)
    #expect(kinds(rules, weight: (1, 3.3), average: (3, 2)) == [.movedTooFar])
    #expect(kinds(rules, weight: (1, 1), average: (3, 3.3)) == [.averageTooFar])
    #expect(kinds(rules, weight: (1, 1), average: (3, .nan)) == [.averageTooFar])
    // Without an update it may replace the weight all the same, at the end of a training.
    rules.updateCount = 0
    #expect(kinds(rules, weight: (1, 3), accumulator: (1, 1), average: (3, 3)).isEmpty)
    #expect(
      kinds(rules, weight: (1, 4), accumulator: (1, 1), average: (3, 3)) == [.changedWithoutUpdate])
  }

  @Test("where something else changes the weights, only accumulators are judged")
  func untracked() {
    var rules = rules
    rules.isWeightTracked = false
    rules.bound = nil
    #expect(kinds(rules, weight: (1, 100)).isEmpty)
    #expect(kinds(rules, weight: (1, 100), accumulator: (0.2, 0.1)) == [.accumulatorFell])
  }
}
