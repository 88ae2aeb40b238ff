public import KerasConfiguration
public import Tensors

/// Why an optimizer refused. Whatever threw it has changed nothing.
public enum OptimizerError: Error, Sendable, Hashable {
  // MARK: Making an optimizer

  /// An argument outside its range.
  case invalidArgument(name: String, value: String, requirement: String)
  /// An option of a configuration that Cairn does not have.
  case unsupportedOption(name: String, value: String)
  /// An optimizer class that Cairn does not have.
  case unsupportedClass(String)
  /// Formulas that Cairn does not have.
  case unsupportedArithmetic(Arithmetic)

  /// A number was set where the rate follows a schedule.
  case learningRateIsScheduled
  /// A choice that is settled when the optimizer is built.
  case alreadyBuilt

  // MARK: Variables

  /// There is nothing to train.
  case noVariables
  /// A variable occurs twice in a list.
  case duplicateVariable(String)
  /// A variable that is not of a floating-point type.
  case unsupportedDType(variable: String, dtype: DType)
  /// A variable that was not there when the optimizer was built.
  case unknownVariable(String)
  /// A built variable that a call left out although its average must be updated.
  case missingVariable(String)
  /// A variable's shape or dtype is no longer what it was when the optimizer was built.
  case changedVariable(
    name: String, builtShape: Shape, builtDType: DType, shape: Shape, dtype: DType)

  // MARK: Gradients

  /// Not one gradient per variable.
  case gradientCount(gradients: Int, variables: Int)
  /// No variable has a gradient.
  case noGradients(variables: [String])
  /// A gradient without the variable's exact shape.
  case gradientShape(variable: String, expected: Shape, found: Shape)
  /// A gradient without the variable's dtype (Keras 2's arithmetic; Keras 3's converts it).
  case gradientDType(variable: String, expected: DType, found: DType)
  /// A row that the variable does not have.
  case rowOutOfRange(variable: String, row: Int, rowCount: Int)

  /// A row-indexed gradient under a loss scale, which Keras 3 cannot divide.
  case rowsWithLossScale(variable: String)
  /// Gradients of several dtypes under one norm, which Keras cannot add up.
  case mixedGradientDTypes(variable: String, expected: DType, found: DType)

  // MARK: State

  /// Slots were asked for before the optimizer was built.
  case notBuilt
  /// The rule, or the averages, ask for other slots than the optimizer was built with.
  case changedSlots(expected: [String], found: [String])
  /// The counter cannot be counted up.
  case iterationOutOfRange(Int64)
  /// A value for a slot that the optimizer does not have.
  case unknownSlot(slot: String, variable: VariableID)
  /// A value for one of the rule's own variables that the rule does not have.
  case unknownOwnVariable(String)
  /// A value of the wrong shape or dtype for one of the rule's own variables.
  case ownVariableMismatch(
    name: String, shape: Shape, dtype: DType, foundShape: Shape, foundDType: DType)
  /// A value of the wrong shape or dtype for a slot.
  case slotMismatch(
    slot: String, variable: String, shape: Shape, dtype: DType, foundShape: Shape,
    foundDType: DType)
}

extension OptimizerError: CustomStringConvertible {
  /// One line: what was asked for, what was expected and found, and the cure where there is one.
  public var description: String {
    switch self {
    case .invalidArgument(let name, let value, let requirement):
      "\(name) is \(value), but must be \(requirement)"
    case .unsupportedOption(let name, let value):
      "the optimizer option \(name) = \(value) is not supported"
    case .unsupportedClass(let name):
      "the optimizer class \(name) is not supported"
    case .unsupportedArithmetic(let arithmetic):
      "training with the arithmetic \(arithmetic.rawValue) is not supported"
    case .learningRateIsScheduled:
      "the learning rate follows a schedule and cannot be set to a number: set another schedule, or "
        + "make the optimizer with a number"
    case .alreadyBuilt:
      "variables can be excluded from weight decay only before the optimizer is built"
    case .noVariables:
      "the list of variables is empty"
    case .duplicateVariable(let name):
      "the variable \(name) occurs more than once"
    case .unsupportedDType(let variable, let dtype):
      "the variable \(variable) is of type \(dtype); only floating-point variables can be trained"
    case .unknownVariable(let name):
      "the variable \(name) was not there when the optimizer was built: make a new optimizer and "
        + "call build(for:) with every variable that it will ever update"
    case .missingVariable(let name):
      "the variable \(name) is missing: Keras 3 updates the average of every built variable in "
        + "every step, so pass them all, with no gradient where there is none"
    case .changedVariable(let name, let builtShape, let builtDType, let shape, let dtype):
      "the variable \(name) is \(dtype) \(shape), but was \(builtDType) \(builtShape) when the "
        + "optimizer was built"
    case .gradientCount(let gradients, let variables):
      "\(gradients) gradients were given for \(variables) variables"
    case .noGradients(let variables):
      "none of these variables has a gradient: \(variables.joined(separator: ", ")); does the "
        + "loss depend on them?"
    case .gradientShape(let variable, let expected, let found):
      "the gradient of \(variable) has shape \(found), but the variable has shape \(expected)"
    case .gradientDType(let variable, let expected, let found):
      "the gradient of \(variable) is of type \(found), but the variable is \(expected)"
    case .rowOutOfRange(let variable, let row, let rowCount):
      "the gradient of \(variable) names row \(row), but the variable has \(rowCount) rows"
    case .rowsWithLossScale(let variable):
      "the gradient of \(variable) is row-indexed, which cannot be divided by a loss scale factor: "
        + "make it dense, or leave the factor out"
    case .mixedGradientDTypes(let variable, let expected, let found):
      "the gradient of \(variable) is of type \(found), but others are \(expected): there is no "
        + "norm over both"
    case .notBuilt:
      "the optimizer has no slots yet: build it for its variables first"
    case .changedSlots(let expected, let found):
      "the optimizer was built with the slots \(expected), but its rule and averages now need "
        + "\(found)"
    case .iterationOutOfRange(let iterations):
      "the optimizer's iteration \(iterations) is not a counter from which a step can be taken"
    case .unknownSlot(let slot, let variable):
      "the optimizer has no slot \(slot) of the variable \(variable.layer)/#\(variable.index)"
    case .unknownOwnVariable(let name):
      "the optimizer's rule keeps no variable \(name)"
    case .ownVariableMismatch(let name, let shape, let dtype, let foundShape, let foundDType):
      "the rule's variable \(name) is \(dtype) \(shape), but the value given is \(foundDType) "
        + "\(foundShape)"
    case .slotMismatch(let slot, let variable, let shape, let dtype, let foundShape, let foundDType):
      "the slot \(slot) of \(variable) is \(dtype) \(shape), but the value given is "
        + "\(foundDType) \(foundShape)"
    }
  }
}
