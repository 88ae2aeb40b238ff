public import KerasConfiguration

/// Gradient descent, with or without momentum.
///
///     step      = gradient * rate
///     variable' = variable - step                                     (momentum 0)
///
///     velocity' = velocity * momentum - step                          (momentum above 0)
///     variable' = variable + velocity'
///     variable' = variable + (velocity' * momentum - step)            (Nesterov)
///
/// in the variable's dtype, every operation rounded once; bit for bit what Keras 2.12 and 3.15 compute
/// when run eagerly. Keras rounds `momentum` to float32 before it is rounded to that dtype. The slot `momentum` holds the velocity; Keras 2 (whose files call it `m`) keeps it,
/// and computes with it, at momentum 0 too.
///
/// A row-indexed gradient moves the rows that it names in Keras 3 without momentum, once for each time
/// that it names them. Otherwise every row moves by its velocity. Keras 3 subtracts the sum of a row's
/// steps in one, Keras 2 decays all velocities first, and with Nesterov adds the step and the velocity
/// to the variable one after the other.
///
/// Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep
/// learning", ICML 2013, equations 1 to 4, as in `keras/optimizers/sgd.py` (2.12) and
/// `keras/src/optimizers/sgd.py` (3.15).
public struct SGD: ScalarUpdateRule, Hashable {
  /// The share of the velocity that is kept, 0...1.
  public let momentum: Double
  /// Whether the variable moves ahead of its velocity. Without effect at momentum 0.
  public let isNesterov: Bool

  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` for a momentum outside 0...1, as
  /// Keras does.
  public init(momentum: Double, nesterov: Bool = false) throws(OptimizerError) {
    guard (0...1).contains(momentum) else {
      throw .invalidArgument(
        name: "momentum", value: "\(momentum)", requirement: "a number from 0 to 1")
    }
    self.momentum = momentum
    isNesterov = nesterov
  }

  /// Without momentum.
  public init() {
    momentum = 0
    isNesterov = false
  }

  /// The slot that holds the velocities.
  public static let momentumName = "momentum"

  public var className: String { "SGD" }

  public func slots(
    for variable: VariableDescription, arithmetic: Arithmetic
  ) -> [SlotDescription] {
    guard hasSlot(arithmetic) else { return [] }
    return [SlotDescription(name: Self.momentumName, initialValue: .constant(0))]
  }

  public func rowHandling(arithmetic: Arithmetic) -> RowHandling {
    hasSlot(arithmetic) ? .everyRow : .namedRows
  }

  private func hasSlot(_ arithmetic: Arithmetic) -> Bool {
    arithmetic != .keras3 || momentum != 0
  }
}

// MARK: - The formula

extension SGD {
  public func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let rate = elements.scalars.rate(as: T.self)
    let gradient = elements.gradientElements(of: T.self)
    let old = elements.variable.oldElements(of: T.self)
    let new = elements.variable.newElements(of: T.self)
    guard hasSlot(elements.scalars.arithmetic) else {
      for i in 0..<elements.count { new[i] = old[i] - gradient[i] * rate }
      return
    }
    let momentum = T(Float(momentum))
    let slot = elements.slot(0)
    let (oldVelocity, newVelocity) = (slot.oldElements(of: T.self), slot.newElements(of: T.self))
    for i in 0..<elements.count {
      let step = gradient[i] * rate
      let velocity = oldVelocity[i] * momentum - step
      newVelocity[i] = velocity
      new[i] = old[i] + (isNesterov ? velocity * momentum - step : velocity)
    }
  }

  public func update<T: UpdateScalar>(_ row: RowUpdate, as _: T.Type) {
    let rate = row.scalars.rate(as: T.self)
    let variable = row.variable.newElements(of: T.self)
    guard hasSlot(row.scalars.arithmetic) else {
      for index in 0..<row.gradientCount {
        let gradient = row.gradientElements(index, of: T.self)
        for i in 0..<row.count { variable[i] = variable[i] - gradient[i] * rate }
      }
      return
    }
    let momentum = T(Float(momentum))
    let stored = row.slot(0).newElements(of: T.self)
    for i in 0..<row.count {
      let step = row.sum(at: i) { $0 * rate }
      let velocity = stored[i] * momentum - step
      stored[i] = velocity
      if !isNesterov {
        variable[i] = variable[i] + velocity
      } else if row.scalars.arithmetic == .keras3 {
        variable[i] = variable[i] + (velocity * momentum - step)
      } else {
        variable[i] = (variable[i] - step) + velocity * momentum
      }
    }
  }
}
