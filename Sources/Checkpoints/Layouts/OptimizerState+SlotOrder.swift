import KerasConfiguration
import Tensors

extension OptimizerState {
  /// The slots as a file of `dialect` saves them, in order, each with the name that the dialect gives
  /// it. Empty for an optimizer that has not been built.
  ///
  /// One slot may come or go: SGD without momentum computes with a velocity of its last step in Keras 2,
  /// which no other step reads, and keeps none in Keras 3. It is written as zeros or left out.
  ///
  /// - Throws: `inconsistent` when the state's slots are not those of its configuration.
  func savedSlots(
    in dialect: Dialect, path: String
  ) throws -> [(slot: SlotOrder.Slot, owner: VariableID, value: Tensor)] {
    guard !slots.isEmpty else { return [] }
    guard let order = try configuration.entry(for: dialect, in: .attribute).slotOrder else {
      throw CheckpointError(
        .unsupported, "cannot write", path: path,
        problem: "the slots of the class \(configuration.rule.className) are not known")
    }
    var owners: [VariableID] = []
    var seen: Set<VariableID> = []
    var values: [VariableID: [String: Tensor]] = [:]
    for slot in slots {
      if seen.insert(slot.owner).inserted { owners.append(slot.owner) }
      values[slot.owner, default: [:]][slot.slot] = slot.value
    }
    var saved: [(slot: SlotOrder.Slot, owner: VariableID, value: Tensor)] = []
    for (slot, index) in order.sequence(variableCount: owners.count) {
      let owner = owners[index]
      if let value = values[owner]?.removeValue(forKey: slot.name) {
        saved.append((slot, owner, value))
      } else if slot.name == idleSlotName, let other = slots.first(where: { $0.owner == owner }) {
        saved.append((slot, owner, Tensor(zeros: other.value.shape, dtype: other.value.dtype)))
      } else {
        throw CheckpointError(
          .inconsistent, "cannot write", path: path,
          object: "\(slot.name)/\(owner.layer)/#\(owner.index)",
          problem: "the configuration of the optimizer implies this slot, the state lacks it")
      }
    }
    for slot in slots where values[slot.owner]?[slot.slot] != nil && slot.slot != idleSlotName {
      throw CheckpointError(
        .inconsistent, "cannot write", path: path,
        object: "\(slot.slot)/\(slot.owner.layer)/#\(slot.owner.index)",
        problem: "the state has this slot, the configuration of the optimizer implies none")
    }
    return saved
  }

  /// The slot that no step reads, if there is one.
  private var idleSlotName: String? {
    if case .sgd(momentum: 0, _) = configuration.rule { "momentum" } else { nil }
  }
}
