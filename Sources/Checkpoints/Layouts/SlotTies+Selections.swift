import Tensors

// MARK: - Evidence by what can be trained

extension SlotTies {
  /// Variables that stand together in the order of training, and which of them an optimizer may keep.
  struct Choice {
    /// What may be trained of them, each in order; no two are equal.
    let selections: [[Owner]]
    /// How many of the first selections agree with the configuration. The others are there so that a
    /// file whose layers were frozen or thawed in between proves nothing by accident.
    let configuredCount: Int

    init(_ selections: [[Owner]], configuredCount: Int? = nil) {
      self.selections = selections
      self.configuredCount = configuredCount ?? selections.count
    }
  }

  /// What proved an order: choices of which one alone fits the shapes.
  struct Selection {
    let choices: [Choice]
    let shapes: [Shape]

    /// Whether it still is the only one if any of these variables may be missing, being one variable with
    /// another.
    func isProven(without duplicates: Set<VariableID>) -> Bool {
      var widened: [Choice] = []
      for choice in choices {
        var selections = choice.selections
        for id in duplicates where selections.contains(where: { $0.contains { $0.id == id } }) {
          for selection in selections {
            let rest = selection.filter { $0.id != id }
            let isNew = !selections.contains { $0.map(\.id) == rest.map(\.id) }
            if isNew { selections.append(rest) }
          }
          guard selections.count < 64 else { return false }
        }
        widened.append(Choice(selections, configuredCount: choice.configuredCount))
      }
      return onlySelection(of: widened, with: shapes) != nil
    }
  }

  /// The only selections whose shapes are those of the slots, as the variables that they make up; nil if
  /// several fit or none does, if the only ones contradict the configuration, and if it takes too long to
  /// tell.
  ///
  /// Complexity: O(choices × slots × selections), at most ``maximumSteps``.
  static func onlySelection(of choices: [Choice], with shapes: [Shape]) -> [Owner]? {
    var steps = 0
    func length(_ selection: [Owner], at position: Int) -> Int? {
      steps += selection.count + 1
      guard position + selection.count <= shapes.count else { return nil }
      for (offset, owner) in selection.enumerated() where shapes[position + offset] != owner.shape {
        return nil
      }
      return selection.count
    }

    // Forwards, by how many slots the choices so far can have taken: whether in one way or in several, and
    // the last selection of that way.
    struct Way {
      var isOnly: Bool
      let selection: Int
      let previous: Int
    }
    var ways: [[Int: Way]] = []
    var reached: [Int: Bool] = [0: true]
    for choice in choices {
      var next: [Int: Way] = [:]
      for (position, isOnly) in reached {
        for (index, selection) in choice.selections.enumerated() {
          guard let length = length(selection, at: position) else { continue }
          let end = position + length
          let way = Way(isOnly: isOnly, selection: index, previous: position)
          if next.updateValue(way, forKey: end) != nil { next[end]!.isOnly = false }
        }
        guard steps < maximumSteps else { return nil }
      }
      ways.append(next)
      reached = next.mapValues(\.isOnly)
    }
    guard reached[shapes.count] == true else { return nil }
    var owners: [[Owner]] = []
    var end = shapes.count
    for (choice, ways) in zip(choices, ways).reversed() {
      let way = ways[end]!
      guard way.selection < choice.configuredCount else { return nil }
      owners.append(choice.selections[way.selection])
      end = way.previous
    }
    return owners.reversed().flatMap { $0 }
  }

  /// A second's work at most.
  private static var maximumSteps: Int { 20_000_000 }
}
