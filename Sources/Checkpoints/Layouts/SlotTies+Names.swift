// MARK: - Evidence by name

extension SlotTies {
  static func tiesByName(
    _ stored: [Stored], slots: [SlotOrder.Slot], owners: [Owner]
  ) -> [Int: Tie] {
    let words = Dictionary(slots.map { ($0.storedName, $0.name) }) { first, _ in first }
    let byStoredName = Dictionary(grouping: owners.filter { $0.storedName != nil }) {
      $0.storedName!
    }
    let byFlatName = Dictionary(grouping: owners.filter { $0.storedName != nil }) {
      String($0.storedName!.map { $0 == "/" ? "_" : $0 })
    }
    var ties: [Int: Tie] = [:]
    for (index, variable) in stored.enumerated() {
      guard let name = variable.name.map(withoutOutputNumber) else { continue }
      let found =
        ownerInKeras2Name(name, words, byStoredName)
        ?? ownerInKeras3Name(name, words, byFlatName)
      if let (slot, owner) = found {
        ties[index] = .slot(slot, owner: owner.id, ownerName: owner.name)
      }
    }
    return ties
  }

  /// `[<scope>/]accumulator/<variable>`, or the legacy class's `<optimizer>/<variable>/accumulator`.
  private static func ownerInKeras2Name(
    _ name: String, _ words: [String: String], _ owners: [String: [Owner]]
  ) -> (String, Owner)? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for (position, part) in parts.enumerated() {
      guard let slot = words[part] else { continue }
      let following = parts[(position + 1)...].joined(separator: "/")
      if let owner = unique(owners[following]) { return (slot, owner) }
      let enclosed = parts[..<position].dropFirst().joined(separator: "/")
      if position == parts.count - 1, let owner = unique(owners[enclosed]) { return (slot, owner) }
    }
    return nil
  }

  /// `<optimizer>/<variable path with _ for />_accumulator`.
  private static func ownerInKeras3Name(
    _ name: String, _ words: [String: String], _ owners: [String: [Owner]]
  ) -> (String, Owner)? {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    // The longer word first: `_gradient_accumulator` ends in `_accumulator`, too.
    for (word, slot) in words.sorted(by: { ($1.key.count, $0.key) < ($0.key.count, $1.key) }) {
      guard last.hasSuffix("_\(word)") else { continue }
      if let owner = unique(owners[String(last.dropLast(word.count + 1))]) { return (slot, owner) }
    }
    return nil
  }

  private static func unique(_ owners: [Owner]?) -> Owner? {
    owners?.count == 1 ? owners![0] : nil
  }

  /// TensorFlow's names end in the number of an operation's output, `:0`.
  static func withoutOutputNumber(_ name: String) -> String {
    name.hasSuffix(":0") ? String(name.dropLast(2)) : name
  }
}
