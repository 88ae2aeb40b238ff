internal import KerasConfiguration
public import Tensors

extension Optimizer {
  /// Takes one step: updates the variables that have a gradient, their slots and averages, and counts.
  ///
  /// `gradients` holds one entry per variable. Variables may come in any order, and may be some of those
  /// built for; each is known by its ``VariableID``. One without gradient keeps its value and slots.
  /// (Its average is updated in Keras 3's arithmetic, as is that of every built variable, so that all of
  /// them must be passed; in Keras 2's it is not.) The first call builds the optimizer.
  ///
  /// A dense step reads and writes each of its arrays once. A row-indexed gradient costs in proportion
  /// to the rows that it names, unless there are averages, which take the whole table, or a snapshot
  /// shares the table, which is copied once. An array that a snapshot shares is left as it is and the new
  /// values are written to a new one.
  ///
  /// All or nothing: throws before anything changes
  /// - ``OptimizerError/gradientCount(gradients:variables:)``, ``OptimizerError/noGradients(variables:)``;
  /// - what ``build(for:)`` throws; ``OptimizerError/duplicateVariable(_:)``,
  ///   ``OptimizerError/missingVariable(_:)``;
  /// - ``OptimizerError/gradientShape(variable:expected:found:)`` (nothing is broadcast),
  ///   ``OptimizerError/gradientDType(variable:expected:found:)`` (Keras 2's arithmetic; Keras 3's converts
  ///   the gradient), ``OptimizerError/rowOutOfRange(variable:row:rowCount:)``;
  /// - ``OptimizerError/changedSlots(expected:found:)``, ``OptimizerError/iterationOutOfRange(_:)``.
  public mutating func applyGradients(
    _ gradients: [Gradient], to variables: inout [Variable]
  ) throws(OptimizerError) {
    let gradients = try prepare(gradients, for: variables)
    defer { plan.removeAll() }

    let scalars = StepScalars(
      learningRate: learningRate.value(at: iterations), iterations: iterations,
      arithmetic: arithmetic)
    let average = averages.map {
      AverageUpdate($0, arithmetic: arithmetic, iterations: iterations)
    }
    for (index, gradient) in gradients.enumerated() {
      switch gradient {
      case .dense(let tensor):
        planElements(&variables[index], index, gradient: tensor, average)
      case .rows(let rows):
        updateRows(&variables[index], index, rows, scalars)
        if let average { planAverage(&variables[index], index, average) }
      case .none:
        if let average, arithmetic == .keras3 { planAverage(&variables[index], index, average) }
      }
    }
    plan.runElements(rule, scalars, average, threadCount: threadCount)
    withExtendedLifetime(gradients) {}
    iterations += 1
  }
}

// MARK: - Finalizing

extension Optimizer {
  /// Gives every variable the value of its average, as Keras does at the end of training; the averages
  /// stay as they are. A copy of `variables` made before keeps the live values. Without averages
  /// nothing happens.
  ///
  /// All or nothing: throws before anything changes ``OptimizerError/notBuilt``,
  /// ``OptimizerError/unknownVariable(_:)``,
  /// ``OptimizerError/changedVariable(name:builtShape:builtDType:shape:dtype:)`` or
  /// ``OptimizerError/changedSlots(expected:found:)``.
  public mutating func finalizeVariableValues(
    _ variables: inout [Variable]
  ) throws(OptimizerError) {
    guard averages != nil else { return }
    guard isBuilt else { throw .notBuilt }
    try checkSlots()
    guard let averageSlot else { return }
    var values: [Tensor] = []
    for (index, variable) in variables.enumerated() {
      let place = try place(of: variable, guess: index)
      values.append(slots.tensors[averageSlot][place] ?? variable.value)
    }
    for (index, value) in values.enumerated() { variables[index].value = value }
  }
}

// MARK: - Checking

extension Optimizer {
  /// Checks everything that can fail, then builds if that is still to be done, and returns the
  /// gradients in their variables' dtypes. Leaves in `plan.positions`, by call position, the place of
  /// each variable among the built ones.
  private mutating func prepare(
    _ gradients: [Gradient], for variables: [Variable]
  ) throws(OptimizerError) -> [Gradient] {
    guard gradients.count == variables.count else {
      throw .gradientCount(gradients: gradients.count, variables: variables.count)
    }
    guard (0..<Int64.max).contains(iterations) else { throw .iterationOutOfRange(iterations) }
    let converted = try check(gradients, for: variables)
    if isBuilt {
      try checkSlots()
      try findPlaces(of: variables)
    } else {
      build(try describe(variables), startingFrom: variables)
      plan.places.append(contentsOf: variables.indices)
    }
    return converted
  }

  /// The gradients, which fit their variables, in the variables' dtypes.
  private func check(
    _ gradients: [Gradient], for variables: [Variable]
  ) throws(OptimizerError) -> [Gradient] {
    var converted = gradients
    var hasGradient = false
    for (index, gradient) in gradients.enumerated() {
      let variable = variables[index]
      let found: DType
      switch gradient {
      case .none: continue
      case .dense(let tensor):
        try checkShape(tensor.shape, of: variable)
        found = tensor.dtype
        if found != variable.value.dtype {
          converted[index] = .dense(tensor.converted(to: variable.value.dtype))
        }
      case .rows(let rows):
        try checkShape(rows.shape, of: variable)
        try checkRows(rows.indices, of: variable)
        found = rows.values.dtype
        if found != variable.value.dtype {
          converted[index] = .rows(rows.converted(to: variable.value.dtype))
        }
      }
      if found != variable.value.dtype, arithmetic != .keras3 {
        throw .gradientDType(
          variable: variable.name, expected: variable.value.dtype, found: found)
      }
      hasGradient = true
    }
    guard hasGradient else { throw .noGradients(variables: variables.map(\.name)) }
    return converted
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

extension IndexedRows {
  fileprivate func converted(to dtype: DType) -> IndexedRows {
    IndexedRows(indices: indices, values: values.converted(to: dtype), shape: shape)
  }
}

// MARK: - Planning

extension Optimizer {
  /// An update of every element, by a gradient and then by the average if there are averages.
  private mutating func planElements(
    _ variable: inout Variable, _ index: Int, gradient: Tensor, _ average: AverageUpdate?
  ) {
    let place = plan.places[index]
    let firstSlot = plan.slots.count
    for slot in ruleSlots[place] { plan.slots.append(planeForUpdate(ofSlot: slot, place)) }
    let (old, new) = variable.value.storageForUpdate()
    if old !== new { plan.keepAlive(old) }
    plan.append(
      UpdatePlan.Elements(
        variable: Plane(old: old.base, new: new.base), gradient: gradient.storageForReading.base,
        average: averageSlot.map { planeForUpdate(ofSlot: $0, place) }, firstSlot: firstSlot,
        slotCount: ruleSlots[place].count,
        dtype: variable.value.dtype, count: variable.value.elementCount))
  }

  /// An update of the average alone, from the variable as it is.
  private mutating func planAverage(
    _ variable: inout Variable, _ index: Int, _ average: AverageUpdate
  ) {
    guard let averageSlot else { return }
    let plane: Plane
    if average.overwrites {
      let (old, new) = variable.value.storageForUpdate()
      if old !== new { plan.keepAlive(old) }
      plane = Plane(old: old.base, new: new.base)
    } else {
      plane = Plane(inPlace: variable.value.storageForReading.base)
    }
    plan.append(
      UpdatePlan.Elements(
        variable: plane, gradient: nil,
        average: planeForUpdate(ofSlot: averageSlot, plan.places[index]),
        firstSlot: 0, slotCount: 0, dtype: variable.value.dtype, count: variable.value.elementCount)
    )
  }

  private mutating func planeForUpdate(ofSlot slot: Int, _ place: Int) -> Plane {
    guard let (old, new) = slots.tensors[slot][place]?.storageForUpdate() else {
      preconditionFailure("\(slots.variables[place].name) has no slot \(slots.names[slot])")
    }
    if old !== new { plan.keepAlive(old) }
    return Plane(old: old.base, new: new.base)
  }

  /// Updates the rows that `rows` names, at once: their average, if any, is taken afterwards.
  private mutating func updateRows(
    _ variable: inout Variable, _ index: Int, _ rows: IndexedRows, _ scalars: StepScalars
  ) {
    guard !rows.indices.isEmpty else { return }
    let place = plan.places[index]
    let firstSlot = plan.slots.count
    for slot in ruleSlots[place] {
      guard let storage = slots.tensors[slot][place]?.storageForPartialUpdate() else { continue }
      plan.slots.append(Plane(inPlace: storage.base))
    }
    plan.grouping.group(rows.indices)
    plan.runRows(
      UpdatePlan.Rows(
        variable: Plane(inPlace: variable.value.storageForPartialUpdate().base),
        gradients: rows.values.storageForReading.base, firstSlot: firstSlot,
        slotCount: ruleSlots[place].count,
        dtype: variable.value.dtype, width: rows.shape.elementCount / rows.shape[0]),
      rule, scalars, summing: arithmetic != .keras3, threadCount: threadCount)
  }
}
