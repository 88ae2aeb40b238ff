/// Exponential moving averages of the variables, kept beside them in the slot `average`.
///
/// After the update of each step, in the variable's dtype T, where `t` counts the steps before:
///
/// - Keras 2: the average starts as the variable was when the optimizer was built;
///   `average = T(momentum) * average + T(1 - momentum) * variable`, for variables with a gradient in
///   this step (each with its own average, as tf_keras 2.21 pairs them; Keras 2.12 goes by position).
/// - Keras 3: the average starts as zeros; `m = t == 0 ? 0 : T(momentum)`,
///   `average = m * average + (1 - m) * variable` with the difference in T, for every built variable.
///
/// Source: `keras/optimizers/optimizer_experimental/optimizer.py` (Keras 2.12),
/// `keras/src/optimizers/base_optimizer.py` (Keras 3.15).
public struct MovingAverages: Sendable, Hashable {
  /// The weight of the old average, in 0...1.
  public let momentum: Double
  /// After every so many steps the averaged variables take the values of their averages; nil: never.
  public let overwriteFrequency: Int?

  /// The name of the slot that holds the averages.
  public static let slotName = "average"

  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` when `momentum` is not in
  /// 0...1 or `overwriteFrequency` is less than 1.
  public init(
    momentum: Double = 0.99, overwriteFrequency: Int? = nil
  ) throws(OptimizerError) {
    guard (0...1).contains(momentum) else {
      throw .invalidArgument(
        name: "ema_momentum", value: "\(momentum)", requirement: "between 0 and 1")
    }
    if let overwriteFrequency, overwriteFrequency < 1 {
      throw .invalidArgument(
        name: "ema_overwrite_frequency", value: "\(overwriteFrequency)", requirement: "at least 1")
    }
    self.momentum = momentum
    self.overwriteFrequency = overwriteFrequency
  }

  /// Whether the step taken when the counter stands at `iterations` ends with the variables
  /// overwritten.
  func overwrites(at iterations: Int64) -> Bool {
    guard let overwriteFrequency else { return false }
    return (iterations + 1) % Int64(overwriteFrequency) == 0
  }
}
