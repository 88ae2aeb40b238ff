internal import KerasConfiguration
public import Tensors

extension Optimizer {
  /// Takes one step: updates the variables that have a gradient, their slots and averages, and counts.
  ///
  /// `gradients` holds one entry per variable. Variables may come in any order, and may be some of those
  /// built for; each is known by its `VariableID`. One without gradient keeps its value and slots.
  /// (Its average is updated in Keras 3's arithmetic, as is that of every built variable, so that all of
  /// them must be passed; in Keras 2's it is not.) The first call builds the optimizer.
  ///
  /// In this order: divide by the loss scale, accumulate, clip, sum equal rows (Keras 2), decay, update,
  /// average, overwrite with averages if that is due, count. An empty call does nothing in Keras 2's
  /// arithmetic, and is refused in Keras 3's.
  ///
  /// A dense step reads and writes each of its arrays once; a norm reads the gradients once more. A
  /// row-indexed gradient costs in proportion to the rows that it names, unless there is decay, or there are
  /// averages, or a global norm in Keras 3's arithmetic, which take the whole table, or a copy shares the
  /// table, which is then copied once; beside a snapshot (`Tensor.snapshot()`) only the named rows are. An
  /// array that a copy or a snapshot shares is left as it is, and the new values of all its elements are
  /// written to other memory, from ``buffers`` if there are any.
  ///
  /// All or nothing: throws before anything changes
  /// - ``OptimizerError/gradientCount(gradients:variables:)``, ``OptimizerError/noGradients(variables:)``;
  /// - what ``build(for:)`` throws; ``OptimizerError/duplicateVariable(_:)``,
  ///   ``OptimizerError/missingVariable(_:)``;
  /// - ``OptimizerError/gradientShape(variable:expected:found:)`` (nothing is broadcast),
  ///   ``OptimizerError/gradientDType(variable:expected:found:)`` (Keras 2's arithmetic; Keras 3's converts
  ///   the gradient, after clipping), ``OptimizerError/rowOutOfRange(variable:row:rowCount:)``,
  ///   ``OptimizerError/rowsWithLossScale(variable:)``,
  ///   ``OptimizerError/mixedGradientDTypes(variable:expected:found:)``;
  /// - ``OptimizerError/changedSlots(expected:found:)``, ``OptimizerError/iterationOutOfRange(_:)``, and
  ///   ``OptimizerError/invalidArgument(name:value:requirement:)`` for options that were set since the
  ///   optimizer was made and that its generation does not have.
  @discardableResult
  public mutating func applyGradients(
    _ gradients: [Gradient], to variables: inout [Variable]
  ) throws(OptimizerError) -> AppliedStep {
    if gradients.isEmpty, variables.isEmpty, arithmetic != .keras3 {
      usedLearningRate = learningRate.value(at: iterations)
      return AppliedStep(iterations: iterations, isUpdate: false, absentGradients: [])
    }
    try prepare(gradients, for: variables)
    defer { plan.removeAll() }

    let rate = learningRate.value(at: iterations)
    let scalars = StepScalars(
      learningRate: rate, iterations: updateCount, arithmetic: arithmetic, decay: legacyDecay)
    let average = averages.map {
      AverageUpdate($0, arithmetic: arithmetic, iterations: updateCount)
    }
    let team = plan.team(threadCount: threadCount)
    let isUpdate = (iterations + 1) % Int64(gradientAccumulationSteps ?? 1) == 0
    let work = StepWork(
      rule: rule, adagrad: rule as? Adagrad, scalars: scalars,
      decay: weightDecay.map { DecayUpdate(decay: Float($0), rate: rate) }, average: average,
      team: team)

    var gradients = plan.takeGradients(gradients)
    if gradientAccumulationSteps != nil {
      accumulate(&gradients, variables, isUpdate: isUpdate, team)
    }
    if isUpdate {
      planTransforms(of: gradients, team)
      convert(&gradients, variables)
      decayTables(&variables, gradients, work)
      beginRule(scalars)
    }
    for (index, gradient) in gradients.enumerated() {
      switch gradient {
      case .dense(let tensor) where isUpdate:
        planElements(
          &variables[index], index, gradient: tensor.storageForReading.base, average)
      case .rows(let rows) where isUpdate:
        updateRows(&variables[index], index, rows, work)
        if let average { planAverage(&variables[index], index, average) }
      default:
        if let average, arithmetic == .keras3 { planAverage(&variables[index], index, average) }
      }
    }
    plan.runElements(work)
    plan.giveBack(&gradients)
    if isUpdate, gradientAccumulationSteps != nil { clearAccumulators() }
    usedLearningRate = rate
    iterations += 1
    return AppliedStep(iterations: updateCount, isUpdate: isUpdate, absentGradients: plan.absent)
  }
}

// MARK: - The formula alone

extension Optimizer {
  /// Updates one variable and its slots by the rule alone, as Keras's `update_step` does: nothing is
  /// clipped or accumulated, nothing decays, no average moves, nothing is counted.
  ///
  /// All or nothing: throws ``OptimizerError/notBuilt``, and before anything changes what
  /// ``applyGradients(_:to:)`` throws of a variable that is unknown or a gradient that does not fit or is
  /// absent.
  public mutating func updateStep(
    _ gradient: Gradient, of variable: inout Variable
  ) throws(OptimizerError) {
    guard isBuilt else { throw .notBuilt }
    try checkSlots()
    let place = try place(of: variable, guess: 0)
    try check([gradient], for: [variable])
    defer { plan.removeAll() }
    plan.places.append(place)
    plan.transforms.append(.identity)
    let scalars = StepScalars(
      learningRate: learningRate.value(at: iterations), iterations: updateCount,
      arithmetic: arithmetic, decay: legacyDecay)
    let work = StepWork(
      rule: rule, adagrad: rule as? Adagrad, scalars: scalars, decay: nil, average: nil,
      team: plan.team(threadCount: threadCount))
    var gradients = [gradient]
    convert(&gradients, [variable])
    beginRule(scalars)
    switch gradients[0] {
    case .none: break
    case .rows(let rows): updateRows(&variable, 0, rows, work)
    case .dense(let tensor):
      planElements(&variable, 0, gradient: tensor.storageForReading.base, nil, isBare: true)
      plan.runElements(work)
    }
    withExtendedLifetime(gradients) {}
  }
}

// MARK: - Planning

extension Optimizer {
  /// An update of every element: by a gradient, with decay before and the average after if there are any.
  private mutating func planElements(
    _ variable: inout Variable, _ index: Int, gradient: UnsafeRawPointer,
    _ average: AverageUpdate?, isBare: Bool = false
  ) {
    let place = plan.places[index]
    let firstSlot = plan.slots.count
    for slot in ruleSlots[place] { plan.slots.append(planeForUpdate(ofSlot: slot, place)) }
    let (old, new) = variable.value.storageForUpdate(from: buffers)
    if old !== new { plan.keepAlive(old) }
    plan.append(
      UpdatePlan.Elements(
        variable: Plane(old: old.base, new: new.base), gradient: gradient,
        transform: plan.transforms[index], decays: !isBare && weightDecay != nil && decays[place],
        average: isBare ? nil : averageSlot.map { planeForUpdate(ofSlot: $0, place) },
        firstSlot: firstSlot,
        slotCount: ruleSlots[place].count, dtype: variable.value.dtype,
        count: variable.value.elementCount))
  }

  /// An update of the average alone, from the variable as it is.
  private mutating func planAverage(
    _ variable: inout Variable, _ index: Int, _ average: AverageUpdate
  ) {
    guard let averageSlot else { return }
    let plane: Plane
    if average.overwrites {
      let (old, new) = variable.value.storageForUpdate(from: buffers)
      if old !== new { plan.keepAlive(old) }
      plane = Plane(old: old.base, new: new.base)
    } else {
      plane = Plane(inPlace: variable.value.storageForReading.base)
    }
    plan.append(
      UpdatePlan.Elements(
        variable: plane, average: planeForUpdate(ofSlot: averageSlot, plan.places[index]),
        dtype: variable.value.dtype, count: variable.value.elementCount))
  }

  mutating func planeForUpdate(ofSlot slot: Int, _ place: Int) -> Plane {
    guard let (old, new) = slots.tensors[slot][place]?.storageForUpdate(from: buffers) else {
      preconditionFailure("\(slots.variables[place].name) has no slot \(slots.names[slot])")
    }
    if old !== new { plan.keepAlive(old) }
    return Plane(old: old.base, new: new.base)
  }

  /// Lets the rule begin the step, with its own variables.
  private mutating func beginRule(_ scalars: StepScalars) {
    guard !ownVariables.isEmpty else { return rule.beginStep(scalars, noVariables: ()) }
    var values = ownVariables.map(\.value)
    // Let go, so that the rule can write them in place.
    for index in ownVariables.indices { ownVariables[index].value = Tensor(zeros: [0]) }
    rule.beginStep(scalars, ownVariables: &values)
    for (index, value) in values.enumerated() {
      ownVariables[index].value = value
      plan.ownVariables.append(UnsafeRawPointer(value.storageForReading.base))
    }
  }
}

extension UpdateRule {
  fileprivate func beginStep(_ scalars: StepScalars, noVariables: Void) {
    var none: [Tensor] = []
    beginStep(scalars, ownVariables: &none)
  }
}

// MARK: - Rows

extension Optimizer {
  /// Lets the tables decay whose gradients are row-indexed, each whole, before its rows are updated.
  private mutating func decayTables(
    _ variables: inout [Variable], _ gradients: [Gradient], _ work: StepWork
  ) {
    guard work.decay != nil else { return }
    for (index, gradient) in gradients.enumerated() {
      guard case .rows = gradient, decays[plan.places[index]] else { continue }
      let (old, new) = variables[index].value.storageForUpdate(from: buffers)
      if old !== new { plan.keepAlive(old) }
      plan.append(
        UpdatePlan.Elements(
          variable: Plane(old: old.base, new: new.base), decays: true,
          dtype: variables[index].value.dtype, count: variables[index].value.elementCount))
    }
    plan.runElements(work)
    plan.removeElements()
  }

  /// Updates the rows that `rows` names, at once: their average, if any, is taken afterwards.
  private mutating func updateRows(
    _ variable: inout Variable, _ index: Int, _ rows: IndexedRows, _ work: StepWork
  ) {
    let handling = rule.rowHandling(arithmetic: arithmetic)
    guard !rows.indices.isEmpty || handling == .everyRow else { return }
    let place = plan.places[index]
    let firstSlot = plan.slots.count
    for slot in ruleSlots[place] {
      guard let plane = slots.tensors[slot][place]?.planeForRows(handling, buffers, &plan) else {
        continue
      }
      plan.slots.append(plane)
    }
    let plane = variable.value.planeForRows(handling, buffers, &plan)
    var gradients = UnsafeRawPointer(rows.values.storageForReading.base)
    let transform = plan.transforms[index]
    if !transform.isIdentity {
      let scaled = plan.rowScratch(byteCount: rows.values.byteCount)
      transform.apply(
        to: gradients, into: scaled, count: rows.values.elementCount, dtype: rows.values.dtype)
      gradients = UnsafeRawPointer(scaled)
    }
    plan.grouping.group(rows.indices)
    let rowCount = rows.shape[0]
    plan.runRows(
      UpdatePlan.Rows(
        variable: plane, gradients: gradients, firstSlot: firstSlot,
        slotCount: ruleSlots[place].count,
        dtype: variable.value.dtype, width: rowCount == 0 ? 0 : rows.shape.elementCount / rowCount,
        rowCount: rowCount, sums: arithmetic != .keras3, handling: handling),
      work)
  }
}

extension Tensor {
  /// An update of rows in place. Where every row changes, a copy is made for snapshots; else they are told
  /// of each row.
  fileprivate mutating func planeForRows(
    _ handling: RowHandling, _ buffers: StoragePool?, _ plan: inout UpdatePlan
  ) -> Plane {
    if handling == .everyRow {
      return Plane(inPlace: storageForPartialUpdate(from: buffers).base)
    }
    let (storage, snapshots) = storageForRowUpdate(from: buffers)
    plan.tell(snapshots)
    return Plane(inPlace: storage.base)
  }
}
