/// What one call of ``Optimizer/applyGradients(_:to:)`` did.
public struct AppliedStep: Sendable, Hashable {
  /// The counter after the call, as Keras gives it: the number of updates.
  public let iterations: Int64
  /// Whether variables were updated; false while gradients are only accumulated, and for an empty call.
  public let isUpdate: Bool
  /// The positions, in the call, of the variables without gradient, which kept their values. Keras warns of
  /// them: often the loss was meant to depend on them.
  public let absentGradients: [Int]
}
