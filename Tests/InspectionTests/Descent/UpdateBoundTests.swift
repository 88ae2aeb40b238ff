import Tensors
import Testing

@testable import Inspection

@Suite("How far an accumulator lets its weight go")
struct UpdateBoundTests {
  private func rules(
    updates: Int, rate: Float, epsilon: Double = 1e-7, occurrences: Int = 1
  ) -> ElementRules {
    let precision = UpdateBound.Precision(.float32)!
    var rules = ElementRules(
      updateCount: Double(updates), roundoff: precision.roundoff, underflow: precision.underflow)
    rules.bound = UpdateBound(
      updateCount: Double(updates), squaredRateSum: Double(rate) * Double(rate) * Double(updates),
      epsilon: epsilon, occurrences: Double(occurrences), precision: precision)
    return rules
  }

  private func element(
    _ before: SimulatedAdagrad, _ after: SimulatedAdagrad
  ) -> ElementRules.Element {
    ElementRules.Element(
      weight: (Double(before.weight), Double(after.weight)),
      accumulator: (Double(before.accumulator), Double(after.accumulator)))
  }

  @Test("no update in float32 breaks it: one-sided, mixed, tiny and huge gradients")
  func honest() {
    var random = SeededGenerator(state: 1)
    for trial in 0..<4000 {
      let rate = Float.random(in: 1e-4...2, using: &random)
      var run = SimulatedAdagrad(
        weight: Float.random(in: -2...2, using: &random),
        accumulator: trial % 3 == 0 ? 0 : Float.random(in: 0.01...10, using: &random), rate: rate)
      let start = run
      let updates = [1, 2, 3, 10, 200][trial % 5]
      let scale = [1e-20, 1e-6, 1e-3, 1, 1e3][trial / 5 % 5] as Float
      for _ in 0..<updates {
        let gradient = Float.random(in: 0.5...1, using: &random) * scale
        run.update(trial % 7 == 0 && Bool.random(using: &random) ? -gradient : gradient)
      }
      var rules = rules(updates: updates, rate: rate)
      if updates == 1 { rules.onlyRate = Double(rate) }
      #expect(rules.findings(element(start, run)).isEmpty, "trial \(trial)")
    }
  }

  @Test("repeated rows that are not summed stay within it when their number is told")
  func repeatedRows() {
    var random = SeededGenerator(state: 2)
    var isBrokenWithoutNumber = false
    for _ in 0..<200 {
      var run = SimulatedAdagrad(weight: 1, accumulator: 0.1, rate: 0.1)
      let start = run
      for _ in 0..<10 {
        run.update((0..<64).map { _ in Float.random(in: 0.9...1, using: &random) })
      }
      #expect(
        rules(updates: 10, rate: 0.1, occurrences: 64).findings(element(start, run)).isEmpty)
      let findings = rules(updates: 10, rate: 0.1).findings(element(start, run))
      isBrokenWithoutNumber = isBrokenWithoutNumber || !findings.isEmpty
    }
    #expect(isBrokenWithoutNumber)
  }

  @Test("gradients that grow with the root of the accumulator reach it")
  func tight() throws {
    var run = SimulatedAdagrad(weight: 0, accumulator: 0.1, rate: 0.01)
    let start = run
    for _ in 0..<50 { run.update((run.accumulator * 0.2).squareRoot()) }
    let bound = try #require(rules(updates: 50, rate: 0.01).bound)
    let path = try #require(
      bound.path(from: Double(start.accumulator), to: Double(run.accumulator)))
    let moved = Double((run.weight - start.weight).magnitude)
    #expect(moved <= path)
    #expect(moved > 0.999 * path)
  }

  @Test("what suffices without a logarithm is no more than the bound")
  func sufficient() throws {
    var random = SeededGenerator(state: 3)
    for updates in [1, 2, 7, 1000] {
      let bound = try #require(rules(updates: updates, rate: 0.1).bound)
      for _ in 0..<500 {
        let before = Double.random(in: 1e-6...1, using: &random)
        let after = before * (1 + Double.random(in: 0...1, using: &random) * 1e3)
        let path = try #require(bound.path(from: before, to: after))
        let sufficient =
          (bound.sufficientFactor * (after - before) / (after + bound.epsilon)).squareRoot()
        #expect(sufficient <= path)
      }
    }
  }

  @Test("one update is known but for its sign")
  func singleUpdate() {
    var run = SimulatedAdagrad(weight: 1, accumulator: 0.1, rate: 0.1)
    let start = run
    run.update(0.5)
    var rules = rules(updates: 1, rate: 0.1)
    rules.onlyRate = Double(run.rate)
    #expect(rules.findings(element(start, run)).isEmpty)
    for (factor, kind) in [(0.99, Contradiction.Kind.movedTooLittle), (1.01, .movedTooFar)] {
      var moved = element(start, run)
      moved.weight.after = 1 + (moved.weight.after - 1) * factor
      #expect(rules.findings(moved).map(\.kind) == [kind])
    }
  }

  @Test("many roundings in 16 bits say nothing any more")
  func swamped() {
    func bound(_ dtype: DType, _ updates: Double) -> UpdateBound {
      UpdateBound(
        updateCount: updates, squaredRateSum: 1, epsilon: 0,
        precision: UpdateBound.Precision(dtype)!)
    }
    #expect(!bound(.bfloat16, 100).isSwampedByRounding)
    #expect(bound(.bfloat16, 128).isSwampedByRounding)
    #expect(!bound(.float16, 1000).isSwampedByRounding)
    #expect(bound(.float16, 1024).isSwampedByRounding)
    #expect(!bound(.float32, 1e6).isSwampedByRounding)
  }
}
