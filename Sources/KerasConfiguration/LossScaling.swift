/// How an optimizer that wraps another scales the loss, under the policy mixed_float16.
///
/// The scale doubles after a number of steps with finite gradients, and halves after one without.
public struct LossScaling: Sendable, Hashable {
  /// Whether the scale moves; in Keras 3 it always does.
  public var isDynamic = true
  /// The scale of the first step, or of every one.
  public var initialScale = 32768.0
  /// Steps with finite gradients after which the scale doubles.
  public var growthSteps = 2000

  /// What Keras puts around the optimizer of a model of mixed precision by itself.
  public init() {}

  /// As the options of a wrapper say, with Keras's defaults for the others.
  init(_ configuration: JSONObject) {
    isDynamic = configuration["dynamic"]?.bool ?? isDynamic
    initialScale = configuration["initial_scale"]?.double ?? initialScale
    growthSteps = configuration["dynamic_growth_steps"]?.int ?? growthSteps
  }
}

extension OptimizerConfiguration {
  /// The wrapper that `dialect` writes around this optimizer. ``json(for:in:)`` writes it alone.
  ///
  /// Throws where the dialect cannot say it: Keras 3's scale always moves.
  public func jsonScalingLoss(
    as scaling: LossScaling, for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    let inner = try innerJSON(for: dialect, in: container)
    let (scale, growth) = (JSONValue(scaling.initialScale), JSONValue(scaling.growthSteps))
    guard dialect == .keras3 else {
      let className: JSONValue =
        arithmetic == .kerasLegacy ? "LossScaleOptimizer" : "LossScaleOptimizerV3"
      let config: JSONValue = [
        "inner_optimizer": inner, "dynamic": .bool(scaling.isDynamic), "initial_scale": scale,
        "dynamic_growth_steps": scaling.isDynamic ? growth : .null,
      ]
      guard container == .document else { return ["class_name": className, "config": config] }
      // Neither Keras has a public place for the class.
      let package = dialect == .keras2 ? "keras" : "tf_keras.src"
      return [
        "module": .string("\(package).mixed_precision.loss_scale_optimizer"),
        "class_name": className, "config": config, "registered_name": className,
      ]
    }
    guard scaling.isDynamic else {
      throw .notExpressible(
        key: "dynamic", object: "optimizer", dialect: dialect,
        cure: "its loss scale always moves; use loss_scale_factor")
    }
    let config: JSONValue = [
      "name": "loss_scale_optimizer", "inner_optimizer": inner, "initial_scale": scale,
      "dynamic_growth_steps": growth,
    ]
    guard container == .document else {
      return ["class_name": "LossScaleOptimizer", "config": config]
    }
    return [
      "module": "keras.optimizers", "class_name": "LossScaleOptimizer", "config": config,
      "registered_name": .null,
    ]
  }

  /// Only Keras 2.12 writes what stands inside as whole-model files have it, wherever it stands.
  private func innerJSON(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> JSONValue {
    if dialect == .keras2 {
      return try json(for: dialect, in: arithmetic == .kerasLegacy ? container : .attribute)
    }
    guard dialect == .tfKeras, arithmetic == .kerasLegacy else {
      return try json(for: dialect, in: .document)
    }
    let alone = try json(for: dialect, in: .attribute)
    return [
      "module": "keras.optimizers.legacy", "class_name": .string(rule.className),
      "config": alone["config"] ?? .null, "registered_name": .null,
    ]
  }
}
