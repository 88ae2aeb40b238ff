public import Optimizers
public import Tensors

/// The gradients of a loss by some variables.
public struct ComputedGradients: Sendable {
  /// The loss, before any scale.
  public let loss: Tensor
  /// One per variable, in their order; `.none` where the loss does not depend on one.
  public let gradients: [Gradient]
}

extension Optimizer {
  /// The gradients of a loss by `variables`, as Keras's `compute_gradients` gives them: `loss` is computed
  /// on a new tape, on which the variables stand in their order, and returns a value of one element there.
  ///
  /// With a ``Optimizer/lossScaleFactor`` the gradients are those of the loss times the factor, by which
  /// ``Optimizer/applyGradients(_:to:)`` divides them again. Nothing changes, and the tape is gone when this
  /// returns, so that the variables can be written in place.
  ///
  /// - Parameters:
  ///   - variables: float32, or this traps.
  ///   - threadCount: see ``GradientTape/threadCount``.
  ///
  /// Throws what `loss` throws.
  public func computeGradients<Failure: Error>(
    of variables: [Variable], threadCount: Int = 1,
    loss: (inout GradientTape, [GradientTape.Value]) throws(Failure) -> GradientTape.Value
  ) throws(Failure) -> ComputedGradients {
    var tape = GradientTape(threadCount: threadCount)
    var values: [GradientTape.Value] = []
    values.reserveCapacity(variables.count)
    for variable in variables { values.append(tape.variable(variable.value)) }
    let value = try loss(&tape, values)
    return computeGradients(of: value, on: tape, withRespectTo: values)
  }

  /// The gradients of a loss that stands on a tape already, by variables there; the tape is used up.
  /// (A loss without its tape, which Keras refuses when it runs, does not compile.)
  public func computeGradients(
    of loss: GradientTape.Value, on tape: consuming GradientTape,
    withRespectTo variables: [GradientTape.Value]
  ) -> ComputedGradients {
    let value = tape[loss]
    return ComputedGradients(
      loss: value,
      gradients: tape.gradients(
        of: loss, withRespectTo: variables, scaledBy: Float(lossScaleFactor ?? 1)))
  }

  /// Computes the gradients of a loss by `variables` and applies them, as Keras's `minimize` does; returns
  /// the loss, taken before the step.
  ///
  /// Throws what `loss` throws, and ``OptimizerError`` where ``Optimizer/applyGradients(_:to:)`` does; the
  /// variables are then as they were.
  @discardableResult
  public mutating func minimize(
    _ variables: inout [Variable], threadCount: Int = 1,
    loss: (inout GradientTape, [GradientTape.Value]) throws -> GradientTape.Value
  ) throws -> Tensor {
    let computed = try computeGradients(of: variables, threadCount: threadCount, loss: loss)
    try applyGradients(computed.gradients, to: &variables)
    return computed.loss
  }
}
