public import Checkpoints
public import Optimizers
public import Tensors

extension Optimizer {
  /// The optimizer that a checkpoint holds, ready to go on.
  ///
  /// - Parameter variables: the trainable variables of the model, in its order. A state without slots is
  ///   that of an optimizer that was never used: its slots start anew.
  ///
  /// Throws ``TrainingError/optimizer(_:)`` for options that Cairn does not have and slots that do not
  /// fit, ``TrainingError/stateMismatch(_:)`` when a slot is missing, or all of them after steps were
  /// taken: going on with fresh ones would train differently without a word. (SGD without momentum has a
  /// slot in Keras 2 that no other step reads, and none in Keras 3; it may be missing, or be there in
  /// vain.)
  public init(
    restoring state: OptimizerState, training variables: [Variable]
  ) throws(TrainingError) {
    var values: [SlotID: Tensor] = [:]
    for slot in state.slots { values[SlotID(slot: slot.slot, variable: slot.owner)] = slot.value }
    do throws(OptimizerError) {
      self = try Optimizer(configuration: state.configuration)
      try build(for: variables)
      iterations = state.iterations
      if isWithoutMomentum, slots[SGD.momentumName] == nil {
        values = values.filter { $0.key.slot != SGD.momentumName }
      }
      if !values.isEmpty { try setSlots(values) }
    } catch { throw .optimizer(error) }
    let wanted = slots.names.filter { !(isWithoutMomentum && $0 == SGD.momentumName) }
    if values.isEmpty, state.iterations > 0, !wanted.isEmpty {
      throw .stateMismatch(
        "the optimizer stands at iteration \(state.iterations), but the checkpoint has none of its "
          + "slots; start a new optimizer (--fresh-optimizer)")
    }
    guard !values.isEmpty else { return }
    for name in slots.names {
      for (variable, tensor) in zip(slots.variables, slots[name] ?? []) where tensor != nil {
        guard values[SlotID(slot: name, variable: variable.id)] == nil else { continue }
        if isWithoutMomentum && name == SGD.momentumName { continue }
        throw .stateMismatch(
          "the checkpoint has no \(name) of \(variable.name), which is trained")
      }
    }
  }

  private var isWithoutMomentum: Bool { (rule as? SGD)?.momentum == 0 }

  /// What a checkpoint holds of this optimizer; no bytes move.
  ///
  /// Throws ``TrainingError/optimizer(_:)`` for a rule of your own, for which Keras has no class.
  public func checkpointState() throws(TrainingError) -> OptimizerState {
    var saved: [SlotVariable] = []
    for name in slots.names {
      for (variable, tensor) in zip(slots.variables, slots[name] ?? []) {
        guard let tensor else { continue }
        saved.append(SlotVariable(slot: name, owner: variable.id, value: tensor))
      }
    }
    do throws(OptimizerError) {
      return OptimizerState(
        configuration: try configuration(), iterations: iterations, slots: saved)
    } catch { throw .optimizer(error) }
  }
}
