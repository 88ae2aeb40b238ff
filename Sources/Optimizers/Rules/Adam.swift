public import KerasConfiguration

/// Adam: decaying averages of the gradients and of their squares, both corrected for their start at
/// zero; with AMSGrad, divided by the greatest average of squares so far.
///
///     alpha     = rate * sqrt(1 - beta2^(t + 1)) / (1 - beta1^(t + 1))
///     momentum' = momentum + (gradient - momentum) * (1 - beta1)
///     velocity' = velocity + (gradient * gradient - velocity) * (1 - beta2)
///     hat'      = max(hat, velocity')                                 (AMSGrad, in place of velocity')
///     variable' = variable - (momentum' * alpha) / (sqrt(velocity') + epsilon)
///
/// with `t` the counter before the step, in the variable's dtype, every operation rounded once; what is
/// raised to a power is beta rounded to float32, what is subtracted from 1 is not. Bit for bit what Keras 2.12 and 3.15 compute when run eagerly, provided that the powers of beta are the same.
/// They come from the C library's `pow`, which was measured to give TensorFlow's bits with glibc; others
/// may be off by 1 ulp. Epsilon stands outside the root.
///
/// A row-indexed gradient moves every row, as each has its momentum. Keras 3 takes the sum of a row's
/// gradients for the momentum and the sum of their squares for the velocity; rows that are not named
/// have the gradient zero. Keras 2, which has added the gradients up, decays all rows first
/// (`momentum - momentum * (1 - beta1)`), then adds the gradients' part, so that its rounding is not that
/// of the dense update.
///
/// Slots: `momentum`, `velocity`, and with AMSGrad `velocity_hat`; files of Keras 2 call them `m`, `v` and
/// `vhat`.
///
/// Source: Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1 in the order
/// of its section 2's last paragraph; AMSGrad: Reddi, Kale, Kumar, "On the convergence of Adam and
/// beyond", ICLR 2018; as in `keras/optimizers/adam.py` (2.12) and `keras/src/optimizers/adam.py` (3.15).
public struct Adam: ScalarUpdateRule, Hashable {
  /// The share of the momentum that is kept.
  public var beta1: Double
  /// The share of the velocity that is kept.
  public var beta2: Double
  /// What is added to the root; rounded to the variable's dtype.
  public var epsilon: Double
  /// Whether the greatest velocity so far divides.
  public let isAMSGrad: Bool

  /// With Keras's defaults, the same in both generations; nothing is refused, as there.
  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    isAMSGrad = amsgrad
  }

  /// The slot that holds the averages of the gradients.
  public static let momentumName = "momentum"
  /// The slot that holds the averages of the squares.
  public static let velocityName = "velocity"
  /// The slot that holds the greatest averages of the squares.
  public static let velocityHatName = "velocity_hat"

  public var className: String { "Adam" }

  public func slots(
    for variable: VariableDescription, arithmetic: Arithmetic
  ) -> [SlotDescription] {
    var names = [Self.momentumName, Self.velocityName]
    if isAMSGrad { names.append(Self.velocityHatName) }
    return names.map { SlotDescription(name: $0, initialValue: .constant(0)) }
  }

  public func rowHandling(arithmetic: Arithmetic) -> RowHandling { .everyRow }
}

// MARK: - The formula

extension Adam {
  /// The numbers that all elements share, in their dtype.
  struct Factors<T: UpdateScalar> {
    let alpha: T
    let take1: T
    let take2: T
    let epsilon: T

    init(_ rule: Adam, _ scalars: StepScalars) {
      let step = T(Double(scalars.iterations + 1))
      let correction1 = T(1.0) - T.pow(T(Float(rule.beta1)), step)
      let correction2 = T(1.0) - T.pow(T(Float(rule.beta2)), step)
      alpha = scalars.rate(as: T.self) * T.sqrt(correction2) / correction1
      take1 = T(1 - rule.beta1)
      take2 = T(1 - rule.beta2)
      epsilon = T(rule.epsilon)
    }

    func step(momentum: T, velocity: T) -> T {
      (momentum * alpha) / (T.sqrt(velocity) + epsilon)
    }
  }

  public func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let factors = Factors<T>(self, elements.scalars)
    let gradient = elements.gradientElements(of: T.self)
    let old = elements.variable.oldElements(of: T.self)
    let new = elements.variable.newElements(of: T.self)
    let (momentum, velocity) = (elements.slot(0), elements.slot(1))
    let hat = isAMSGrad ? elements.slot(2) : nil
    for i in 0..<elements.count {
      let g = gradient[i]
      let m = momentum.oldElements(of: T.self)[i]
      let v = velocity.oldElements(of: T.self)[i]
      let newMomentum = m + (g - m) * factors.take1
      var newVelocity = v + (g * g - v) * factors.take2
      momentum.newElements()[i] = newMomentum
      velocity.newElements()[i] = newVelocity
      if let hat {
        newVelocity = T.maximum(hat.oldElements()[i], newVelocity)
        hat.newElements()[i] = newVelocity
      }
      new[i] = old[i] - factors.step(momentum: newMomentum, velocity: newVelocity)
    }
  }

  public func update<T: UpdateScalar>(_ row: RowUpdate, as _: T.Type) {
    let factors = Factors<T>(self, row.scalars)
    let variable = row.variable.newElements(of: T.self)
    let momentum = row.slot(0).newElements(of: T.self)
    let velocity = row.slot(1).newElements(of: T.self)
    let hat = isAMSGrad ? row.slot(2).newElements(of: T.self) : nil
    for i in 0..<row.count {
      let (m, v) = (momentum[i], velocity[i])
      if row.scalars.arithmetic == .keras3 {
        momentum[i] = m + (row.sum(at: i) { $0 } - m) * factors.take1
        velocity[i] = v + (row.sum(at: i) { $0 * $0 } - v) * factors.take2
      } else {
        momentum[i] = m - m * factors.take1
        velocity[i] = v - v * factors.take2
        if row.gradientCount > 0 {
          momentum[i] = momentum[i] + row.sum(at: i) { $0 * factors.take1 }
          velocity[i] = velocity[i] + row.sum(at: i) { ($0 * $0) * factors.take2 }
        }
      }
      var divisor = velocity[i]
      if let hat {
        divisor = T.maximum(hat[i], divisor)
        hat[i] = divisor
      }
      variable[i] = variable[i] - factors.step(momentum: momentum[i], velocity: divisor)
    }
  }
}
