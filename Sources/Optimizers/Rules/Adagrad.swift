internal import CKernels
public import KerasConfiguration
internal import Tensors

/// Adagrad: a rate of its own for every element, which shrinks as the squares of its gradients add up.
///
///     accumulator' = accumulator + gradient * gradient
///     variable'    = variable - (rate * gradient) / sqrt(accumulator' + epsilon)
///
/// in the variable's dtype, every operation rounded once; bit for bit what Keras 2.12 and 3.15 compute
/// when run eagerly. Epsilon stands inside the root. A NaN gradient makes its element NaN for good;
/// one whose square overflows stops its element.
///
/// Row-indexed gradients touch only the rows that they name. Where a row occurs more than once, Keras
/// 2 adds its gradients up first, so that the accumulator grows by the square of the sum; Keras 3 adds
/// the square of each to the accumulator, and then moves the variable once for each.
///
/// Keras 2's legacy class has its epsilon outside the root and adds it to that:
/// `variable' = variable - (rate * gradient) / (sqrt(accumulator') + epsilon)`, an epsilon of zero standing
/// for 1e-7; equal rows are summed first.
///
/// Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic
/// optimization", JMLR 2011, as in `keras/optimizers/optimizer_experimental/adagrad.py` (2.12) and
/// `keras/src/optimizers/adagrad.py` (3.15); `keras/optimizers/legacy/adagrad.py` (2.12) and its kernel,
/// TensorFlow's `ApplyAdagradV2`.
public struct Adagrad: UpdateRule, Hashable {
  /// What the accumulator starts with. Keras 3's arithmetic rounds it to float32 first.
  public let initialAccumulatorValue: Double
  /// What is added under the root; rounded to the variable's dtype. Keeps the first division finite.
  public var epsilon: Double

  /// Throws ``OptimizerError/invalidArgument(name:value:requirement:)`` when
  /// `initialAccumulatorValue` is negative or NaN: its root would not exist. (Keras's documentation
  /// forbids it, its code lets it pass.)
  public init(
    initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7
  ) throws(OptimizerError) {
    guard initialAccumulatorValue >= 0 else {
      throw .invalidArgument(
        name: "initial_accumulator_value", value: "\(initialAccumulatorValue)",
        requirement: "zero or more")
    }
    self.initialAccumulatorValue = initialAccumulatorValue
    self.epsilon = epsilon
  }

  /// With any start value, as Keras's code takes it: to read files that were written with a negative one.
  /// Elements are NaN wherever accumulator and epsilon together stay below zero.
  public init(uncheckedInitialAccumulatorValue: Double, epsilon: Double = 1e-7) {
    initialAccumulatorValue = uncheckedInitialAccumulatorValue
    self.epsilon = epsilon
  }

  /// With Keras's defaults: accumulators start at 0.1, epsilon is 1e-7.
  public init() {
    initialAccumulatorValue = 0.1
    epsilon = 1e-7
  }

  /// The slot that holds the sums of squares.
  public static let accumulatorName = "accumulator"

  public var className: String { "Adagrad" }

  /// All three.
  public func supports(_ arithmetic: Arithmetic) -> Bool { true }

  public func slots(
    for variable: VariableDescription, arithmetic: Arithmetic
  ) -> [SlotDescription] {
    let start =
      arithmetic == .keras3
      ? Double(Float(initialAccumulatorValue)) : initialAccumulatorValue
    return [SlotDescription(name: Self.accumulatorName, initialValue: .constant(start))]
  }
}

// MARK: - Dense

extension Adagrad {
  public func update(_ elements: ElementUpdate) {
    if elements.scalars.arithmetic == .kerasLegacy { return updateLegacy(elements) }
    switch elements.dtype {
    case .float32: updateFloat32(elements)
    case .float64: update(elements, as: Double.self)
    case .float16: update(elements, as: Float16.self)
    case .bfloat16: update(elements, as: BFloat16.self)
    default: preconditionFailure("Adagrad updates no \(elements.dtype) variables")
    }
  }

  private func updateFloat32(_ elements: ElementUpdate) {
    let accumulator = elements.slot(0)
    ck_adagrad_f32(
      elements.count, elements.scalars.rate(), Float(epsilon),
      elements.gradient.assumingMemoryBound(to: Float.self),
      elements.variable.oldElements(), elements.variable.newElements(),
      accumulator.oldElements(), accumulator.newElements())
  }

  /// The formula as it is written above; ``updateFloat32(_:)`` is the same, vectorized.
  func update<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let gradient = elements.gradient.assumingMemoryBound(to: T.self)
    let variable = elements.variable
    let accumulator = elements.slot(0)
    let rate = elements.scalars.rate(as: T.self)
    let epsilon = T(epsilon)
    for i in 0..<elements.count {
      let g = gradient[i]
      let sum = accumulator.oldElements(of: T.self)[i] + g * g
      accumulator.newElements()[i] = sum
      let value = variable.oldElements(of: T.self)[i]
      variable.newElements()[i] = value - (rate * g) / T.sqrt(sum + epsilon)
    }
  }
}

// MARK: - The legacy class

extension Adagrad {
  private func updateLegacy(_ elements: ElementUpdate) {
    switch elements.dtype {
    case .float32: updateLegacy(elements, as: Float.self)
    case .float64: updateLegacy(elements, as: Double.self)
    case .float16: updateLegacy(elements, as: Float16.self)
    case .bfloat16: updateLegacy(elements, as: BFloat16.self)
    default: preconditionFailure("Adagrad updates no \(elements.dtype) variables")
    }
  }

  private func updateLegacy<T: UpdateScalar>(_ elements: ElementUpdate, as _: T.Type) {
    let gradient = elements.gradient.assumingMemoryBound(to: T.self)
    let (oldVariable, newVariable) = (
      elements.variable.oldElements(of: T.self), elements.variable.newElements(of: T.self)
    )
    let accumulator = elements.slot(0)
    let (oldSum, newSum) = (
      accumulator.oldElements(of: T.self), accumulator.newElements(of: T.self)
    )
    let rate = elements.scalars.rate(as: T.self)
    let epsilon = T(epsilon == 0 ? 1e-7 : epsilon)
    for i in 0..<elements.count {
      let g = gradient[i]
      let sum = oldSum[i] + g * g
      newSum[i] = sum
      newVariable[i] = oldVariable[i] - (rate * g) / (T.sqrt(sum) + epsilon)
    }
  }
}
