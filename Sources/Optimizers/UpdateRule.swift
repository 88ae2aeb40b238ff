public import KerasConfiguration
public import Tensors

/// What makes one optimizer differ from another: the slots that it keeps per variable, and the
/// formula that turns a gradient into new values. All else (checks, threads, sharing with snapshots,
/// clipping, decay, averages, accumulation, the counter) is the work of ``Optimizer``, once for every
/// rule.
///
/// A rule is a value; its stored properties are the hyper-parameters, which may change between steps.
///
/// Both updates must treat every element alike and by itself: they are called for pieces of a
/// variable, in any order and from several threads.
public protocol UpdateRule: Sendable {
  /// The name of the class in Keras, such as `Adagrad`.
  var className: String { get }

  /// Whether the rule has formulas for `arithmetic`. By default those of Keras 2 and 3, and none of
  /// the legacy classes.
  func supports(_ arithmetic: Arithmetic) -> Bool

  /// The decay of weights that an optimizer gets which is made with this rule and names none; nil by
  /// default.
  var defaultWeightDecay: Double? { get }

  /// The slots of one variable, in the order in which Keras saves them. Each has the variable's
  /// shape and dtype.
  func slots(for variable: VariableDescription, arithmetic: Arithmetic) -> [SlotDescription]

  /// What the rule keeps once for all variables (Keras's `add_variable`), in the order of saving, before
  /// the slots; by default nothing.
  func ownVariables(arithmetic: Arithmetic) -> [OwnVariableDescription]

  /// Called once in every step that updates variables, before the first of them, with the variables of
  /// ``ownVariables(arithmetic:)``, which it may write. By default does nothing.
  func beginStep(_ scalars: StepScalars, ownVariables: inout [Tensor])

  /// Reads the old values of some consecutive elements and writes the new ones, of the variable and
  /// of every slot.
  func update(_ elements: ElementUpdate)

  /// Which rows a row-indexed gradient makes the rule update; by default those that it names.
  func rowHandling(arithmetic: Arithmetic) -> RowHandling

  /// Updates one row in place. Keras 2's arithmetic has summed the gradients of a row that occurs
  /// more than once, so that there is one gradient; Keras 3's gives them all, in order of appearance.
  /// A row without gradient comes only under ``RowHandling/everyRow``.
  func update(_ row: RowUpdate)
}

/// What a rule does about a row-indexed gradient.
public enum RowHandling: Sendable, Hashable {
  /// Only the rows that the gradient names are updated; the cost follows their number.
  case namedRows
  /// Every row is updated, those that the gradient does not name with no gradient at all
  /// (``RowUpdate/gradientCount`` is 0): a momentum that decays everywhere.
  case everyRow
  /// The gradient becomes dense, with equal rows summed in order of appearance from zero.
  case dense
}

extension UpdateRule {
  public func supports(_ arithmetic: Arithmetic) -> Bool { arithmetic != .kerasLegacy }

  public var defaultWeightDecay: Double? { nil }

  public func ownVariables(arithmetic: Arithmetic) -> [OwnVariableDescription] { [] }

  public func beginStep(_ scalars: StepScalars, ownVariables: inout [Tensor]) {}

  public func rowHandling(arithmetic: Arithmetic) -> RowHandling { .namedRows }
}

/// What an optimizer knows of a variable apart from its values.
public struct VariableDescription: Sendable, Hashable {
  /// What tells the variable from all others.
  public let id: VariableID
  /// The canonical name, for messages and labels.
  public let name: String
  /// The shape of its value.
  public let shape: Shape
  /// The type of its elements.
  public let dtype: DType

  /// What `variable` is, without its value.
  public init(_ variable: Variable) {
    id = variable.id
    name = variable.name
    shape = variable.value.shape
    dtype = variable.value.dtype
  }
}

/// A slot variable that a rule asks for (Keras's `add_variable_from_reference`).
public struct SlotDescription: Sendable, Hashable {
  /// The slot's name, such as `accumulator`; a file labels it `<slot>/<variable>`.
  public let name: String
  /// What its elements are when the optimizer is built.
  public let initialValue: InitialValue

  /// What a slot starts with.
  public enum InitialValue: Sendable, Hashable {
    /// Every element is this number, rounded to the variable's dtype.
    case constant(Double)
    /// A copy of the variable when the optimizer is built.
    case variable
  }

  /// A slot with this name, which no other slot of the rule has.
  public init(name: String, initialValue: InitialValue) {
    self.name = name
    self.initialValue = initialValue
  }
}

/// A variable that a rule keeps once, whatever the model's variables are (Keras's `add_variable`).
public struct OwnVariableDescription: Sendable, Hashable {
  /// Its name, which no slot and no other such variable has.
  public let name: String
  /// The shape of its value.
  public let shape: Shape
  /// The type of its elements.
  public let dtype: DType
  /// What every element starts with, rounded to the dtype.
  public let initialValue: Double

  /// By default a float32 scalar that starts at zero, as Keras's `add_variable` makes it.
  public init(name: String, shape: Shape = [], dtype: DType = .float32, initialValue: Double = 0) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
    self.initialValue = initialValue
  }
}

/// The numbers that all updates of one step share.
public struct StepScalars: Sendable, Hashable {
  /// The learning rate, in the precision in which Keras holds it.
  public let learningRate: Float
  /// The counter before this step; 0 in the first. Under gradient accumulation it counts updates, not
  /// calls.
  public let iterations: Int64
  /// Whose formulas apply, where the generations differ.
  public let arithmetic: Arithmetic
  /// The legacy classes' decay of the rate; 0 everywhere else.
  let decay: Double

  /// For calling a rule by itself; ``Optimizer`` makes its own.
  public init(learningRate: Float, iterations: Int64, arithmetic: Arithmetic) {
    self.init(
      learningRate: learningRate, iterations: iterations, arithmetic: arithmetic, decay: 0)
  }

  init(learningRate: Float, iterations: Int64, arithmetic: Arithmetic, decay: Double) {
    self.learningRate = learningRate
    self.iterations = iterations
    self.arithmetic = arithmetic
    self.decay = decay
  }

  /// The rate in a variable's dtype. The legacy classes decay it there:
  /// `T(rate) / (1 + T(decay) * T(iterations))`, rate and decay by way of float32.
  public func rate<T: UpdateScalar>(as _: T.Type = T.self) -> T {
    guard decay > 0 else { return T(learningRate) }
    return T(learningRate) / (T(1.0) + T(Float(decay)) * T(rounding: .signed(iterations)))
  }
}
