public import Tensors

/// A step between gradients and their application: what turns the gradients of several replicas, shards
/// or processes into those that all of them apply. Data parallelism is such a step.
///
/// The gradients of one variable stay at its position, and one that is absent in every replica stays absent.
/// To be the counterpart of Keras's aggregation, a reduction adds gradients up.
public protocol GradientReduction: ~Copyable {
  associatedtype Failure: Error = Never

  /// The gradients to apply, one per variable.
  func reduce(_ gradients: [Gradient], of variables: [Variable]) throws(Failure) -> [Gradient]
}

extension Optimizer {
  /// Reduces gradients and checks the result, as Keras 2's `aggregate_gradients` does; apply it with
  /// ``applyGradients(_:to:)``, which reduces nothing.
  ///
  /// Throws, before `reduction` is called, ``OptimizerError/gradientCount(gradients:variables:)`` and
  /// ``OptimizerError/noGradients(variables:)``; whatever `reduction` throws; and of its result what
  /// ``applyGradients(_:to:)`` would throw of gradients that do not fit.
  public mutating func aggregateGradients(
    _ gradients: [Gradient], of variables: [Variable],
    by reduction: borrowing some GradientReduction & ~Copyable
  ) throws -> [Gradient] {
    try checkCount(gradients, variables)
    let reduced = try reduction.reduce(gradients, of: variables)
    guard reduced.count == variables.count else {
      throw OptimizerError.gradientCount(gradients: reduced.count, variables: variables.count)
    }
    try check(reduced, for: variables)
    return reduced
  }

  /// Takes one step with gradients that `reduction` makes of `gradients`: ``aggregateGradients(_:of:by:)``,
  /// then ``applyGradients(_:to:)``. An empty call reduces nothing.
  @discardableResult
  public mutating func applyGradients(
    _ gradients: [Gradient], to variables: inout [Variable],
    reducedBy reduction: borrowing some GradientReduction & ~Copyable
  ) throws -> AppliedStep {
    if gradients.isEmpty, variables.isEmpty { return try applyGradients([], to: &variables) }
    let reduced = try aggregateGradients(gradients, of: variables, by: reduction)
    return try applyGradients(reduced, to: &variables)
  }

  private func checkCount(
    _ gradients: [Gradient], _ variables: [Variable]
  ) throws(OptimizerError) {
    guard gradients.count == variables.count else {
      throw .gradientCount(gradients: gradients.count, variables: variables.count)
    }
    guard gradients.contains(where: { $0.values != nil }) else {
      throw .noGradients(variables: variables.map(\.name))
    }
  }
}
