public import Tensors

extension Optimizer {
  /// Gives every variable the value of its average, as Keras does at the end of training; the averages
  /// stay as they are. Without averages nothing happens. A copy of `variables` made before keeps the live
  /// values, and assigning it back goes on from them.
  ///
  /// Averages are found by variable, not by position as in Keras. All or nothing: throws before anything
  /// changes ``OptimizerError/notBuilt``, ``OptimizerError/unknownVariable(_:)``,
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

  /// Calls `body` while `variables` hold their averages, and then brings the live values back: to
  /// evaluate or save the averages in the middle of training. No bytes move. Without averages `body` sees
  /// the live values. Throws what ``finalizeVariableValues(_:)`` throws, and what `body` throws; the live
  /// values come back in every case.
  public mutating func withAveragedVariables<Result>(
    _ variables: inout [Variable], _ body: (inout [Variable]) throws -> Result
  ) throws -> Result {
    let live = variables
    defer { variables = live }
    try finalizeVariableValues(&variables)
    return try body(&variables)
  }
}
