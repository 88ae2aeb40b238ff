internal import KerasConfiguration
public import Tensors

/// An optimizer whose loss is multiplied by a scale that finds its own size, so that the small gradients
/// of 16-bit arithmetic do not vanish. Keras 3 wraps the optimizer so under the policy `mixed_float16`.
///
/// Multiply the loss by ``scale``, and hand the gradients as they come. Where any of them is NaN or
/// infinite, nothing is updated, the scale is halved and the count of good steps starts anew. Otherwise
/// the inner optimizer takes a step with `gradient / scale`, and the ``growthStepCount``-th good step in
/// a row doubles the scale.
///
/// Source: `keras/src/optimizers/loss_scale_optimizer.py` (Keras 3.15).
public struct LossScaledOptimizer: Sendable {
  /// The optimizer that takes the steps, in Keras 3's arithmetic. Its own loss scale is not used.
  public var inner: Optimizer
  /// What the loss is to be multiplied by.
  public var scale: Float
  /// Good steps since the scale last changed.
  public var goodStepCount: Int64
  /// How many good steps double the scale.
  public let growthStepCount: Int64

  /// - Parameters:
  ///   - inner: made for Keras 3's arithmetic. As in Keras, a loss scale of its own is taken away.
  ///   - initialScale: Keras's default is 32768.
  ///   - growthStepCount: Keras's default is 2000.
  ///
  /// Throws ``OptimizerError/unsupportedArithmetic(_:)`` for an inner optimizer of another arithmetic, and
  /// ``OptimizerError/invalidArgument(name:value:requirement:)`` unless both numbers are positive and
  /// finite.
  public init(
    _ inner: Optimizer, initialScale: Float = 32768, growthStepCount: Int64 = 2000
  ) throws(OptimizerError) {
    guard inner.arithmetic == .keras3 else { throw .unsupportedArithmetic(inner.arithmetic) }
    guard initialScale > 0, initialScale.isFinite else {
      throw .invalidArgument(
        name: "initial_scale", value: "\(initialScale)", requirement: "positive and finite")
    }
    guard growthStepCount > 0 else {
      throw .invalidArgument(
        name: "dynamic_growth_steps", value: "\(growthStepCount)", requirement: "positive")
    }
    self.inner = inner
    self.inner.lossScaleFactor = nil
    scale = initialScale
    goodStepCount = 0
    self.growthStepCount = growthStepCount
  }

  /// Takes one step; nil if it was skipped because a gradient is not finite.
  ///
  /// All or nothing: throws what ``Optimizer/applyGradients(_:to:)`` throws, before anything changes.
  @discardableResult
  public mutating func applyGradients(
    _ gradients: [Gradient], to variables: inout [Variable]
  ) throws(OptimizerError) -> AppliedStep? {
    guard gradients.allSatisfy(\.isFinite) else {
      try inner.requireApplicable(gradients, to: variables)
      goodStepCount = 0
      scale *= 0.5
      return nil
    }
    let step = try inner.applyGradients(gradients, to: &variables, dividedBy: scale)
    if goodStepCount == growthStepCount - 1 {
      goodStepCount = 0
      scale *= 2
    } else {
      goodStepCount += 1
    }
    return step
  }
}

extension Optimizer {
  /// A step with the gradients divided by `scale`, row-indexed ones too.
  fileprivate mutating func applyGradients(
    _ gradients: [Gradient], to variables: inout [Variable], dividedBy scale: Float
  ) throws(OptimizerError) -> AppliedStep {
    lossScaleFactor = Double(scale)
    dividesRows = true
    defer {
      lossScaleFactor = nil
      dividesRows = false
    }
    return try applyGradients(gradients, to: &variables)
  }

  /// Throws what a step with these gradients would throw, and builds if that is still to be done.
  fileprivate mutating func requireApplicable(
    _ gradients: [Gradient], to variables: [Variable]
  ) throws(OptimizerError) {
    try prepare(gradients, for: variables)
    plan.removeAll()
  }
}

extension Gradient {
  /// Whether no number is NaN or infinite.
  fileprivate var isFinite: Bool {
    guard let values else { return true }
    switch values.dtype {
    case .float32: return values.isFinite(Float.self)
    case .float64: return values.isFinite(Double.self)
    case .float16: return values.isFinite(Float16.self)
    case .bfloat16: return values.isFinite(BFloat16.self)
    default: return true
    }
  }
}

extension Tensor {
  fileprivate func isFinite<T: UpdateScalar>(_: T.Type) -> Bool {
    withElements(of: T.self) { $0.allSatisfy { $0.number.double.isFinite } }
  }
}
