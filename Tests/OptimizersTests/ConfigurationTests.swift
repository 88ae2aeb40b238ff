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

  @Test("an option in use that Cairn does not have is refused by its name")
  func unsupported() {
    var cases: [(String, OptimizerConfiguration)] = []
    func add(_ name: String, _ change: (inout OptimizerConfiguration) -> Void) {
      var configuration = OptimizerConfiguration()
      change(&configuration)
      cases.append((name, configuration))
    }
    add("weight_decay") { $0.weightDecay = 0.1 }
    add("clipnorm") { $0.clipping.norm = 1 }
    add("clipvalue") { $0.clipping.value = 1 }
    add("global_clipnorm") { $0.clipping.globalNorm = .nan }
    add("loss_scale_factor") { $0.lossScaleFactor = 2 }
    add("gradient_accumulation_steps") { $0.gradientAccumulationSteps = 2 }
    add("decay") { $0.legacyDecay = 0.1 }
    add("learning_rate") {
      $0.learningRate = .schedule(
        ScheduleConfiguration(
          .exponentialDecay(initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5)))
    }
    for (name, configuration) in cases {
      let error = #expect(throws: OptimizerError.self) {
        try Optimizer(configuration: configuration)
      }
      guard case .unsupportedOption(name, _)? = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
    }
    #expect(throws: OptimizerError.unsupportedArithmetic(.kerasLegacy)) {
      try Optimizer(configuration: OptimizerConfiguration(arithmetic: .kerasLegacy))
    }
    #expect(throws: OptimizerError.self) {
      try Optimizer(
        configuration: OptimizerConfiguration(average: .init(isEnabled: true, momentum: 2)))
    }
  }
}
