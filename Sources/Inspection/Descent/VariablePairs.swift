import Checkpoints
import Tensors

/// The tensors of two files that are read side by side: a variable with its slots, or one tensor that has
/// none.
struct VariablePairs {
  /// All of one element count.
  private(set) var pairs: [CheckpointDiff.Pair]

  /// The places among ``pairs``; nil for what is missing.
  var weight: Int? { pairs.firstIndex { $0.before.weightID != nil } }
  var accumulator: Int? { index(ofSlot: "accumulator") }
  var average: Int? { index(ofSlot: "average") }

  private func index(ofSlot name: String) -> Int? {
    pairs.firstIndex {
      if case .slot(name, _, _) = $0.before.role { true } else { false }
    }
  }

  /// Slots stand with their variable, where they have its shape.
  static func grouping(_ pairs: [CheckpointDiff.Pair]) -> [VariablePairs] {
    var groups: [VariablePairs] = []
    var places: [VariableID: Int] = [:]
    for pair in pairs {
      if let id = pair.before.weightID { places[id] = groups.count }
      if case .slot(_, let owner, _) = pair.before.role, let place = places[owner],
        groups[place].pairs[0].before.shape == pair.before.shape
      {
        groups[place].pairs.append(pair)
      } else {
        groups.append(VariablePairs(pairs: [pair]))
      }
    }
    return groups
  }
}

extension CheckpointEntry {
  /// Which variable of the model this is; nil for anything else.
  var weightID: VariableID? {
    if case .weight(let id) = role { id } else { nil }
  }
}
