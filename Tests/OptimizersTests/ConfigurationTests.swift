import KerasConfiguration
import Optimizers
import Tensors
import Testing

@Suite("Optimizers and their configurations")
struct ConfigurationTests {
  @Test("a configuration comes out as it went in, options without effect included")
  func roundTrip() throws {
    let configurations = [
      OptimizerConfiguration(),
      OptimizerConfiguration(
        rule: .adagrad(initialAccumulatorValue: 0, epsilon: 1e-3), learningRate: .constant(0.3),
        name: "mine", clipping: .init(norm: 0, value: -1, globalNorm: nil),
        average: .init(isEnabled: false, momentum: 0.7, overwriteFrequency: 5), jitCompile: true),
      OptimizerConfiguration(
        average: .init(isEnabled: true, momentum: 0.9, overwriteFrequency: 0),
        gradientAccumulationSteps: 0, arithmetic: .keras3),
      OptimizerConfiguration(average: .init(isEnabled: true, momentum: 1, overwriteFrequency: 3)),
      OptimizerConfiguration(rule: .sgd(momentum: 0.5, nesterov: true)),
      OptimizerConfiguration(
        rule: .rmsprop(rho: 0.5, momentum: 0.25, epsilon: 1e-3, centered: true),
        arithmetic: .keras3),
      OptimizerConfiguration(rule: .adam(beta1: 0.5, beta2: 0.25, epsilon: 1e-3, amsgrad: true)),
    ]
    for configuration in configurations {
      #expect(try Optimizer(configuration: configuration).configuration() == configuration)
    }
  }

  @Test("the configuration follows what was changed since")
  func changes() throws {
    var optimizer = try Optimizer(configuration: OptimizerConfiguration())
    try optimizer.setLearningRate(0.25)
    optimizer.rule = try Adagrad(epsilon: 1e-4)
    optimizer.averages = try MovingAverages(momentum: 0.5, overwriteFrequency: 2)
    let configuration = try optimizer.configuration()
    #expect(configuration.learningRate == .constant(0.25))
    #expect(configuration.rule == .adagrad(epsilon: 1e-4))
    #expect(
      configuration.average == .init(isEnabled: true, momentum: 0.5, overwriteFrequency: 2))
  }

  @Test("an option that its generation does not have, or a value that it refuses, is named")
  func refusals() {
    func change(
      _ arithmetic: Arithmetic = .keras2, _ change: (inout OptimizerConfiguration) -> Void
    ) -> OptimizerConfiguration {
      var configuration = OptimizerConfiguration(arithmetic: arithmetic)
      change(&configuration)
      return configuration
    }
    let exponential = ScheduleConfiguration(
      .exponentialDecay(initialLearningRate: 0.1, decaySteps: 0, decayRate: 0.5))
    let cases: [(String, OptimizerConfiguration)] = [
      ("loss_scale_factor", change { $0.lossScaleFactor = 2 }),
      ("gradient_accumulation_steps", change { $0.gradientAccumulationSteps = 2 }),
      ("gradient_accumulation_steps", change(.keras3) { $0.gradientAccumulationSteps = 1 }),
      ("gradient_accumulation_steps", change(.keras3) { $0.gradientAccumulationSteps = -2 }),
      ("clipvalue", change(.keras3) { $0.clipping = .init(norm: 0, value: 1) }),
      ("global_clipnorm", change { $0.clipping = .init(norm: 0, globalNorm: 1) }),
      ("weight_decay", change(.kerasLegacy) { $0.weightDecay = 0.1 }),
      ("use_ema", change(.kerasLegacy) { $0.average.isEnabled = true }),
      ("ema_momentum", change { $0.average = .init(isEnabled: true, momentum: 2) }),
      (
        "initial_accumulator_value",
        change { $0.rule = .adagrad(initialAccumulatorValue: -1) }
      ),
      ("decay_steps", change(.keras3) { $0.learningRate = .schedule(exponential) }),
    ]
    for (name, configuration) in cases {
      let error = #expect(throws: OptimizerError.self) {
        _ = try Optimizer(configuration: configuration)
      }
      guard case .invalidArgument(name, _, _)? = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
    }
    #expect(throws: OptimizerError.unsupportedOption(name: "decay", value: "0.1")) {
      _ = try Optimizer(configuration: change { $0.legacyDecay = 0.1 })
    }
    // Keras 2 takes a schedule of no steps, and gives what the formula gives.
    #expect(throws: Never.self) {
      _ = try Optimizer(configuration: change { $0.learningRate = .schedule(exponential) })
    }
  }

  @Test("a negative start is read only where that is asked for")
  func negativeStart() throws {
    let configuration = OptimizerConfiguration(rule: .adagrad(initialAccumulatorValue: -0.5))
    let optimizer = try Optimizer(configuration: configuration, acceptsNegativeStart: true)
    #expect(try optimizer.configuration() == configuration)
  }

  @Test("every option of each generation comes back key by key in its own JSON")
  func json() throws {
    let schedule = ScheduleConfiguration(
      .cosineDecay(initialLearningRate: 0.1, decaySteps: 10, alpha: 0.25), name: "mine")
    for (arithmetic, dialect) in [(Arithmetic.keras2, Dialect.keras2), (.keras3, .keras3)] {
      var configuration = OptimizerConfiguration(
        rule: .adagrad(initialAccumulatorValue: 0.5, epsilon: 1e-3),
        learningRate: .schedule(schedule), name: "own", weightDecay: 0.01,
        clipping: .init(globalNorm: 0.5),
        average: .init(isEnabled: true, momentum: 0.5, overwriteFrequency: 7),
        arithmetic: arithmetic)
      if arithmetic == .keras3 {
        configuration.lossScaleFactor = 128
        configuration.gradientAccumulationSteps = 4
      } else {
        configuration.jitCompile = true
        configuration.clipping.value = -0.5
      }
      let json = try configuration.json(for: dialect, in: .document)
      let decoded = try OptimizerEntry(json: json, dialect: dialect).decoded()
      let again = try Optimizer(configuration: decoded).configuration()
      #expect(try again.json(for: dialect, in: .document).text == json.text)
    }
  }
}
