import KerasConfiguration
import Tensors

/// A slot variable as a file saves it.
struct SavedSlot {
  let slot: SlotOrder.Slot
  let owner: ModelVariable
  let value: Tensor
}

extension OptimizerState {
  /// The rate as Keras 3 stores it: a float32 scalar; nil under a schedule, when it stores none.
  var rateVariable: Tensor? {
    guard case .constant(let rate) = configuration.learningRate else { return nil }
    return Tensor(scalar: Float(rate))
  }

  /// The slots in the order by which `dialect` ties them, over the trainable variables of the model,
  /// whatever order they were read in. Empty for an optimizer without slots.
  ///
  /// - Parameter frozen: variables without slots although the model as it is configured trains them.
  ///
  /// One slot may come or go: SGD without momentum computes with a velocity of its last step in Keras 2,
  /// which no other step reads, and keeps none in Keras 3. It is written as zeros or left out.
  ///
  /// - Throws: `inconsistent` unless the slots are those of the configuration, and each has exactly the
  ///   trainable variables: Keras would tie what follows to the wrong variables.
  func slotsInKerasOrder(
    _ model: ModelConfiguration, frozen: Set<VariableID> = [], dialect: Dialect, path: String
  ) throws -> [SavedSlot] {
    guard !slots.isEmpty else { return [] }
    guard let order = try configuration.entry(for: dialect, in: .attribute).slotOrder(in: dialect)
    else {
      throw CheckpointError(
        .unsupported, "cannot write", path: path,
        object: "configuration", expected: "an optimizer whose slots are known",
        found: configuration.rule.className)
    }
    let trainable = try model.variables(in: model.dialect).filter {
      $0.isTrainable && !frozen.contains($0.id)
    }
    try requireOwners(trainable, slots: order, path: path)
    var values: [VariableID: [String: Tensor]] = [:]
    for slot in slots { values[slot.owner, default: [:]][slot.slot] = slot.value }
    return try order.sequence(variableCount: trainable.count).map { slot, index in
      let owner = trainable[index]
      if let value = values[owner.id]?[slot.name] {
        return SavedSlot(slot: slot, owner: owner, value: value)
      }
      if slot.name == idleSlotName, let other = values[owner.id]?.values.first {
        let zeros = Tensor(zeros: other.shape, dtype: other.dtype)
        return SavedSlot(slot: slot, owner: owner, value: zeros)
      }
      throw CheckpointError(
        .inconsistent, "cannot write", path: path, object: "\(slot.name)/\(owner.name)",
        expected: "a slot for every variable that the model trains", found: "none",
        cure: "freeze the layer, or train once before saving")
    }
  }

  /// Throws for a slot that would not be saved.
  private func requireOwners(
    _ trainable: [ModelVariable], slots order: SlotOrder, path: String
  ) throws(CheckpointError) {
    let owners = Set(trainable.map(\.id))
    let names = Set(order.slots.map(\.name))
    for slot in slots {
      let object = "\(slot.slot)/\(slot.owner.canonicalName(nil))"
      guard owners.contains(slot.owner) else {
        throw CheckpointError(
          .inconsistent, "cannot write", path: path, object: object,
          expected: "slots of variables that the model trains", found: "one of another",
          cure: "thaw the layer, or drop the slot")
      }
      guard names.contains(slot.slot) || slot.slot == idleSlotName else {
        throw CheckpointError(
          .inconsistent, "cannot write", path: path, object: object,
          expected: "slots that \(configuration.rule.className) keeps as it is configured",
          found: "another", cure: "drop the slot, or take the configuration that belongs to it")
      }
    }
  }

  /// The slot that no step reads, if there is one.
  private var idleSlotName: String? {
    if case .sgd(momentum: 0, _) = configuration.rule { "momentum" } else { nil }
  }
}
