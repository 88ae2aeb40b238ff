public import KerasConfiguration
public import Tensors

/// What makes one optimizer differ from another: the slots that it keeps per variable, and the
/// formula that turns a gradient into new values. All else (checks, threads, sharing with snapshots,
/// averages, the counter) is the work of ``Optimizer``, once for every rule.
///
/// A rule is a value; its stored properties are the hyper-parameters, which may change between steps.
///
/// Both updates must treat every element alike and by itself: they are called for pieces of a
/// variable, in any order and from several threads.
public protocol UpdateRule: Sendable {
  /// The name of the class in Keras, such as `Adagrad`.
  var className: String { get }

  /// The slots of one variable, in the order in which Keras saves them. Each has the variable's
  /// shape and dtype.
  func slots(for variable: VariableDescription, arithmetic: Arithmetic) -> [SlotDescription]

  /// Reads the old values of some consecutive elements and writes the new ones, of the variable and
  /// of every slot.
  func update(_ elements: ElementUpdate)

  /// Updates one row in place. Keras 2's arithmetic has summed the gradients of a row that occurs
  /// more than once, so that there is one gradient; Keras 3's gives them all, in order of appearance.
  func update(_ row: RowUpdate)
}

/// What an optimizer knows of a variable apart from its values.
public struct VariableDescription: Sendable, Hashable {
  public let id: VariableID
  /// The canonical name, for messages and labels.
  public let name: String
  public let shape: Shape
  public let dtype: DType

  public init(_ variable: Variable) {
    id = variable.id
    name = variable.name
    shape = variable.value.shape
    dtype = variable.value.dtype
  }
}

/// A slot variable that a rule asks for.
public struct SlotDescription: Sendable, Hashable {
  /// The slot's name, such as `accumulator`; a file labels it `<slot>/<variable>`.
  public let name: String
  public let initialValue: InitialValue

  public enum InitialValue: Sendable, Hashable {
    /// Every element is this number, rounded to the variable's dtype.
    case constant(Double)
    /// A copy of the variable when the optimizer is built.
    case variable
  }

  public init(name: String, initialValue: InitialValue) {
    self.name = name
    self.initialValue = initialValue
  }
}

/// The numbers that all updates of one step share.
public struct StepScalars: Sendable, Hashable {
  /// The learning rate, in the precision in which Keras holds it.
  public let learningRate: Float
  /// The counter before this step; 0 in the first.
  public let iterations: Int64
  public let arithmetic: Arithmetic

  public init(learningRate: Float, iterations: Int64, arithmetic: Arithmetic) {
    self.learningRate = learningRate
    self.iterations = iterations
    self.arithmetic = arithmetic
  }
}
