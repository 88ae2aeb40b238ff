import KerasConfiguration
import Optimizers
import Testing

@testable import Inspection

@Suite("The greatest rate of a schedule")
struct ScheduleBoundTests {
  private static let schedules: [ScheduleConfiguration.Kind] = [
    .exponentialDecay(initialLearningRate: 0.5, decaySteps: 4, decayRate: 0.7),
    .exponentialDecay(initialLearningRate: 0.5, decaySteps: 4, decayRate: 0.7, isStaircase: true),
    .exponentialDecay(initialLearningRate: 0.001, decaySteps: 40, decayRate: 1.5),
    .inverseTimeDecay(initialLearningRate: 0.5, decaySteps: 3, decayRate: 0.4),
    .inverseTimeDecay(
      initialLearningRate: 0.5, decaySteps: 3, decayRate: 0.4, isStaircase: true),
    .polynomialDecay(initialLearningRate: 0.5, decaySteps: 90, endLearningRate: 0.01),
    .polynomialDecay(
      initialLearningRate: 0.1, decaySteps: 90, endLearningRate: 0.4, power: 2.0),
    .polynomialDecay(
      initialLearningRate: 0.5, decaySteps: 7, endLearningRate: 0.01, power: 0.5, cycles: true),
    .piecewiseConstantDecay(boundaries: [2, 5, 9], values: [0.1, 0.5, 0.2, 0.05]),
    .cosineDecay(initialLearningRate: 0.5, decaySteps: 90, alpha: 0.1),
    .cosineDecay(
      initialLearningRate: 0.05, decaySteps: 60, alpha: 0.1, warmupTarget: 0.5, warmupSteps: 4),
    .cosineDecayRestarts(
      initialLearningRate: 0.5, firstDecaySteps: 3, tMul: 2.0, mMul: 0.8, alpha: 0.05),
    .cosineDecayRestarts(initialLearningRate: 0.5, firstDecaySteps: 7, tMul: 1.0, mMul: 1.1),
  ]

  @Test("is not below any rate in the range, and tight over one step", arguments: schedules)
  func bound(kind: ScheduleConfiguration.Kind) throws {
    let configuration = ScheduleConfiguration(kind)
    let schedule = try configuration.schedule()
    let rates = (0..<120).map { Double(schedule.learningRate(at: $0)) }
    for first in stride(from: 0, to: 100, by: 3) {
      for length in [1, 2, 5, 20] {
        let steps = Int64(first)...Int64(first + length - 1)
        let bound = try #require(configuration.greatestRate(over: steps))
        let greatest = rates[first..<first + length].max()!
        #expect(bound >= greatest, "\(steps)")
        if case .cosineDecayRestarts = kind { continue }
        if length == 1 { #expect(bound <= greatest * 1.0001 + 1e-5, "\(steps)") }
      }
    }
    let sum = try #require(RateBound(configuration, counters: 10...69, callsPerUpdate: 1))
    #expect(sum.squaredSum >= rates[10..<70].reduce(0) { $0 + $1 * $1 })
    let rare = try #require(RateBound(configuration, counters: 10...69, callsPerUpdate: 4))
    #expect(
      rare.squaredSum >= stride(from: 11, to: 70, by: 4).reduce(0) { $0 + rates[$1] * rates[$1] })
    #expect(rare.squaredSum <= 15 * rare.greatest * rare.greatest * 1.0001)
  }
}
