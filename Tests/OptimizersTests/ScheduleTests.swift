import Foundation
import KerasConfiguration
import Optimizers
import TestSupport
import Testing

@Suite("Learning rate schedules")
struct ScheduleTests {
  /// At 0, 1, 2, 3, 4, 5, 8 and 12; the same in Keras 2.12 and 3.15.
  static let table: [(schedule: any LearningRateSchedule, values: [Float])] = [
    (
      ExponentialDecay(initialLearningRate: 0.5, decaySteps: 4, decayRate: 0.7),
      [
        0.5, 0.457345605, 0.418330014, 0.382642776, 0.349999994, 0.320141912, 0.24499999,
        0.171499997,
      ]
    ),
    (
      InverseTimeDecay(initialLearningRate: 0.5, decaySteps: 3, decayRate: 0.4),
      [
        0.5, 0.441176474, 0.394736856, 0.357142866, 0.326086968, 0.299999982, 0.241935492,
        0.192307696,
      ]
    ),
    (
      PolynomialDecay(initialLearningRate: 0.5, decaySteps: 9, endLearningRate: 0.01),
      [
        0.5, 0.445555568, 0.391111106, 0.336666644, 0.282222241, 0.227777779, 0.0644444451,
        0.00999999978,
      ]
    ),
    (
      PolynomialDecay(
        initialLearningRate: 0.5, decaySteps: 5, endLearningRate: 0.01, power: 0.5, cycles: true),
      [
        0.5, 0.448269308, 0.389552385, 0.319903195, 0.229134664, 0.00999999978, 0.229134664,
        0.229134664,
      ]
    ),
    (
      CosineDecay(initialLearningRate: 0.5, decaySteps: 9, alpha: 0.1),
      [
        0.5, 0.486430854, 0.447359979, 0.387499988, 0.314070821, 0.235929132, 0.0635691509,
        0.0500000007,
      ]
    ),
    (
      CosineDecay(
        initialLearningRate: 0.05, decaySteps: 6, alpha: 0.1, warmupTarget: 0.5, warmupSteps: 4),
      [
        0.0500000007, 0.162499994, 0.275000006, 0.387499988, 0.5, 0.469855726, 0.162499979,
        0.0500000007,
      ]
    ),
    (
      CosineDecayRestarts(
        initialLearningRate: 0.5, firstDecaySteps: 3, tMul: 2, mMul: 0.8, alpha: 0.05),
      [
        0.5, 0.381249994, 0.143749982, 0.405000001, 0.379544854, 0.310000002, 0.050455153,
        0.284480274,
      ]
    ),
  ]

  @Test("have the values that Keras computes")
  func values() throws {
    for (schedule, values) in Self.table {
      for (counter, value) in zip([0, 1, 2, 3, 4, 5, 8, 12] as [Int64], values) {
        let rate = schedule.learningRate(at: counter)
        #expect(
          ulpDistance(rate, value) <= (schedule.takesPower ? 1 : 0), "\(schedule) at \(counter)")
      }
    }
    let piecewise = try PiecewiseConstantDecay(
      boundaries: [2, 5, 9], values: [0.5, 0.2, 0.1, 0.05])
    #expect(
      [0, 1, 2, 3, 4, 5, 8, 12].map { piecewise.learningRate(at: $0) }
        == [0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.1, 0.05])
  }

  @Test("agree with Keras's at their ends and far beyond", arguments: ["keras-2.12", "keras-3.15"])
  func recorded(_ generation: String) throws {
    let text = try String(
      contentsOfFile: Fixture.path("traces/\(generation)-schedules.json"), encoding: .utf8)
    let rows = try JSONValue(parsing: text)["schedules"]?.array ?? []
    #expect(rows.count >= 20)
    for row in rows where row["dtype"]?.string == "float32" {
      let schedule = try ScheduleConfiguration(recorded: row).schedule()
      for (counter, value) in zip(row["counters"]?.array ?? [], row["values"]?.array ?? []) {
        let rate = schedule.learningRate(at: Int64(counter.int ?? -1))
        let expected = Float(value.double ?? .nan)
        #expect(
          ulpDistance(rate, expected) <= (schedule.takesPower ? 1 : 0),
          "\(row["name"]?.string ?? "") at \(counter): \(rate), recorded \(expected)")
      }
    }
  }

  @Test("survive being written as a configuration and read again")
  func configurations() throws {
    for (schedule, _) in Self.table {
      let configuration = try #require(schedule.configuration)
      let again = try configuration.schedule()
      #expect(again.configuration == configuration)
    }
  }

  @Test("with lists of wrong lengths are refused")
  func wrongLengths() {
    #expect(throws: OptimizerError.self) {
      try PiecewiseConstantDecay(boundaries: [1, 2], values: [0.1, 0.2])
    }
  }
}

extension LearningRateSchedule {
  /// Whether TensorFlow's power, which is not correctly rounded, enters the rate.
  var takesPower: Bool {
    self is ExponentialDecay || self is PolynomialDecay || self is CosineDecayRestarts
  }
}
