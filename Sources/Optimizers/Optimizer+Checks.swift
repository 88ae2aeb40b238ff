internal import KerasConfiguration
internal import Tensors

extension Optimizer {
  /// Checks everything that can fail, then builds if that is still to be done. Leaves in `plan.places`, by
  /// position, the place of each variable among the built ones, and in `plan.absent` the positions of
  /// absent gradients.
  mutating func prepare(
    _ gradients: [Gradient], for variables: [Variable]
  ) throws(OptimizerError) {
    guard gradients.count == variables.count else {
      throw .gradientCount(gradients: gradients.count, variables: variables.count)
    }
    guard (0..<Int64.max).contains(iterations) else { throw .iterationOutOfRange(iterations) }
    try checkOptions()
    try check(gradients, for: variables)
    if isBuilt {
      try checkSlots()
      try findPlaces(of: variables)
    } else {
      try build(try describe(variables), startingFrom: variables)
      plan.places.append(contentsOf: variables.indices)
    }
  }

  /// Throws unless every gradient fits its variable and there is one; fills `plan.absent`.
  mutating func check(
    _ gradients: [Gradient], for variables: [Variable]
  ) throws(OptimizerError) {
    plan.absent.removeAll(keepingCapacity: true)
    var normDType: DType?
    for (index, gradient) in gradients.enumerated() {
      let variable = variables[index]
      let found: DType
      switch gradient {
      case .none:
        plan.absent.append(index)
        continue
      case .dense(let tensor):
        try checkShape(tensor.shape, of: variable)
        found = tensor.dtype
      case .rows(let rows):
        try checkShape(rows.shape, of: variable)
        try checkRows(rows.indices, of: variable)
        guard lossScaleFactor == nil || dividesRows else {
          throw .rowsWithLossScale(variable: variable.name)
        }
        found = rows.values.dtype
      }
      guard found == variable.value.dtype || (arithmetic == .keras3 && found.isFloatingPoint)
      else {
        throw .gradientDType(
          variable: variable.name, expected: variable.value.dtype, found: found)
      }
      if clipsGlobally {
        if let normDType, normDType != found {
          throw .mixedGradientDTypes(
            variable: variable.name, expected: normDType, found: found)
        }
        normDType = found
      }
    }
    guard plan.absent.count < gradients.count else {
      throw .noGradients(variables: variables.map(\.name))
    }
  }

  private func checkShape(_ shape: Shape, of variable: Variable) throws(OptimizerError) {
    guard shape == variable.value.shape else {
      throw .gradientShape(variable: variable.name, expected: variable.value.shape, found: shape)
    }
  }

  private func checkRows(_ indices: [Int], of variable: Variable) throws(OptimizerError) {
    let rowCount = variable.value.shape[0]
    for row in indices where row < 0 || row >= rowCount {
      throw .rowOutOfRange(variable: variable.name, row: row, rowCount: rowCount)
    }
  }

  /// Fills `plan.places`; throws if a variable is unknown, changed, listed twice, or missing where an
  /// average needs it.
  private mutating func findPlaces(of variables: [Variable]) throws(OptimizerError) {
    plan.isPresent.append(contentsOf: repeatElement(false, count: slots.variables.count))
    do throws(OptimizerError) {
      for (index, variable) in variables.enumerated() {
        let place = try place(of: variable, guess: index)
        guard !plan.isPresent[place] else { throw .duplicateVariable(variable.name) }
        plan.isPresent[place] = true
        plan.places.append(place)
      }
      if averages != nil, arithmetic == .keras3, let missing = plan.isPresent.firstIndex(of: false)
      {
        throw .missingVariable(slots.variables[missing].name)
      }
    } catch {
      plan.removeAll()
      throw error
    }
  }
}
