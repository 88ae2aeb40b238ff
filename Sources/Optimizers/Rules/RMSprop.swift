public import KerasConfiguration

/// RMSprop: gradients divided by the root of a decaying average of their squares.
///
///     velocity' = rho * velocity + (1 - rho) * gradient * gradient
///     average'  = rho * average + (1 - rho) * gradient                (centered)
///     spread    = velocity' + epsilon
///     spread    = velocity' - average' * average' + epsilon           (centered)
///     step      = (rate * gradient) / sqrt(spread)                    (Keras 3)
///     step      = (rate * gradient) * (1 / sqrt(spread))              (Keras 2)
///     variable' = variable - step                                     (momentum 0)
///
///     momentum' = momentum * kept + step                              (momentum above 0)
///     variable' = variable - momentum'
///
/// in the variable's dtype, every operation rounded once, save that in 16 bits `1 / sqrt` is rounded at
/// its end only. Bit for bit what Keras 2.12 and 3.15 compute when run eagerly, but for one case: for
/// Keras 2's `1 / sqrt` TensorFlow uses the processor's approximation where it handles eight float32
/// elements at a time, which is off by up to 4 ulp (measured) in a way that differs between makes of
/// processors. Cairn's is the exact one, which TensorFlow has for the elements that are left over.
///
/// Row-indexed gradients let the averages of every row decay. Without momentum only the named rows of
/// the variable move, once for each time that they are named. Where a row is named more than once,
/// Keras 2 has added its gradients up; Keras 3 adds the terms of each gradient to the averages.
///
/// Slots: `velocity`, then `momentum` and `average_gradient` if there are any; `momentum` and `centered`
/// are settled when the optimizer is built.
///
/// Source: Hinton, "Neural networks for machine learning", lecture 6e, 2012; centered: Graves,
/// "Generating sequences with recurrent neural networks", 2013, equations 38 to 41; as in
/// `keras/optimizers/rmsprop.py` (2.12) and `keras/src/optimizers/rmsprop.py` (3.15).
public struct RMSprop: ScalarUpdateRule, Hashable {
  /// The share of the averages that is kept.
  public var rho: Double
  /// The share of the momentum that is kept; zero or less for none.
  public var momentum: Double
  /// What is added under the root; rounded to the variable's dtype.
  public var epsilon: Double
  /// Whether the variance of the gradients divides, in place of the mean of their squares.
  public let isCentered: Bool

  /// With Keras's defaults, the same in both generations; nothing is refused, as there.
  public init(
    rho: Double = 0.9, momentum: Double = 0, epsilon: Double = 1e-7, centered: Bool = false
  ) {
    self.rho = rho
    self.momentum = momentum
    self.epsilon = epsilon
    isCentered = centered
  }

  /// The slot that holds the averages of the squares.
  public static let velocityName = "velocity"
  /// The slot that holds the momentum.
  public static let momentumName = "momentum"
  /// The slot that holds the averages of the gradients.
  public static let averageGradientName = "average_gradient"

  public var className: String { "RMSprop" }

  public func slots(
    for variable: VariableDescription, arithmetic: Arithmetic
  ) -> [SlotDescription] {
    var names = [Self.velocityName]
    if hasMomentum { names.append(Self.momentumName) }
    if isCentered { names.append(Self.averageGradientName) }
    return names.map { SlotDescription(name: $0, initialValue: .constant(0)) }
  }

  public func rowHandling(arithmetic: Arithmetic) -> RowHandling { .everyRow }

  private var hasMomentum: Bool { momentum > 0 }
}

// MARK: - The formula

extension RMSprop {
  /// The numbers that all elements share, in their dtype.
  private struct Factors<T: UpdateScalar> {
    let rate: T
    let keep: T
    let take: T
    let momentum: T
    let epsilon: T
    let usesReciprocal: Bool

    init(_ rule: RMSprop, _ scalars: StepScalars) {
      rate = scalars.rate(as: T.self)
      keep = T(rule.rho)
      take = T(1 - rule.rho)
      momentum = T(rule.momentum)
      epsilon = T(rule.epsilon)
      usesReciprocal = scalars.arithmetic != .keras3
    }

    func step(_ gradient: T, spread: T) -> T {
      let wanted = rate * gradient
      return usesReciprocal ? wanted * T.reciprocalSquareRoot(spread) : wanted / T.sqrt(spread)
    }
  }

  public func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let factors = Factors<T>(self, elements.scalars)
    let gradient = elements.gradientElements(of: T.self)
    let old = elements.variable.oldElements(of: T.self)
    let new = elements.variable.newElements(of: T.self)
    let velocity = elements.slot(0)
    let momentum = hasMomentum ? elements.slot(1) : nil
    let average = isCentered ? elements.slot(hasMomentum ? 2 : 1) : nil
    for i in 0..<elements.count {
      let g = gradient[i]
      let square = factors.keep * velocity.oldElements(of: T.self)[i] + factors.take * (g * g)
      velocity.newElements()[i] = square
      var spread = square
      if let average {
        let mean = factors.keep * average.oldElements(of: T.self)[i] + factors.take * g
        average.newElements()[i] = mean
        spread = spread - mean * mean
      }
      var step = factors.step(g, spread: spread + factors.epsilon)
      if let momentum {
        step = factors.momentum * momentum.oldElements(of: T.self)[i] + step
        momentum.newElements()[i] = step
      }
      new[i] = old[i] - step
    }
  }

  public func update<T: UpdateScalar>(_ row: RowUpdate, as _: T.Type) {
    let factors = Factors<T>(self, row.scalars)
    let variable = row.variable.newElements(of: T.self)
    let velocity = row.slot(0).newElements(of: T.self)
    let momentum = hasMomentum ? row.slot(1).newElements(of: T.self) : nil
    let average = isCentered ? row.slot(hasMomentum ? 2 : 1).newElements(of: T.self) : nil
    for i in 0..<row.count {
      velocity[i] = factors.keep * velocity[i] + row.sum(at: i) { factors.take * ($0 * $0) }
      var spread = velocity[i]
      if let average {
        average[i] = factors.keep * average[i] + row.sum(at: i) { factors.take * $0 }
        spread = spread - average[i] * average[i]
      }
      spread = spread + factors.epsilon
      if let momentum {
        let steps = row.sum(at: i) { factors.step($0, spread: spread) }
        momentum[i] = factors.momentum * momentum[i] + steps
        variable[i] = variable[i] - momentum[i]
      } else {
        for index in 0..<row.gradientCount {
          let gradient = row.gradientElements(index, of: T.self)[i]
          variable[i] = variable[i] - factors.step(gradient, spread: spread)
        }
      }
    }
  }
}
