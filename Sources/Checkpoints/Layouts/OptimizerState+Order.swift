import KerasConfiguration
import Tensors

extension OptimizerState {
  /// The rate as Keras 3 stores it: a float32 scalar; nil under a schedule, when it stores none.
  var rateVariable: Tensor? {
    guard case .constant(let rate) = configuration.learningRate else { return nil }
    return Tensor(scalar: Float(rate))
  }

  /// The slots in the order by which every Keras ties them: slot by slot, each over the trainable
  /// variables of the model, whatever order they were read in.
  ///
  /// - Throws: `inconsistent` unless each slot has exactly the trainable variables: Keras would tie what
  ///   follows to the wrong variables.
  func slotsInKerasOrder(
    _ model: ModelConfiguration, path: String
  ) throws -> [(slot: SlotVariable, owner: ModelVariable)] {
    let trainable = try model.variables(in: model.dialect).filter(\.isTrainable)
    var ordered: [(slot: SlotVariable, owner: ModelVariable)] = []
    for name in slotNames {
      var byOwner: [VariableID: SlotVariable] = [:]
      for slot in slots where slot.slot == name { byOwner[slot.owner] = slot }
      for variable in trainable {
        guard let slot = byOwner.removeValue(forKey: variable.id) else {
          throw CheckpointError(
            .inconsistent, "cannot write", path: path, object: "\(name)/\(variable.name)",
            problem: "the model trains this variable, but the optimizer has no \(name) for it",
            cure: "freeze the layer, or train once before saving")
        }
        ordered.append((slot, variable))
      }
      if let surplus = byOwner.values.first {
        throw CheckpointError(
          .inconsistent, "cannot write", path: path,
          object: "\(name)/\(surplus.owner.canonicalName(nil))",
          problem: "the optimizer has a \(name) for a variable that the model does not train",
          cure: "thaw the layer, or drop the slot")
      }
    }
    return ordered
  }

  /// Each once, in the order of saving.
  private var slotNames: [String] {
    var names: [String] = []
    for slot in slots where !names.contains(slot.slot) { names.append(slot.slot) }
    return names
  }
}
