// MARK: - Evidence by name

extension SlotTies {
  static func tiesByName(_ stored: [Stored], owners: [Owner]) -> [Int: Tie] {
    let byStoredName = Dictionary(grouping: owners.filter { $0.storedName != nil }) {
      $0.storedName!
    }
    let byFlatName = Dictionary(grouping: owners.filter { $0.storedName != nil }) {
      String($0.storedName!.map { $0 == "/" ? "_" : $0 })
    }
    var ties: [Int: Tie] = [:]
    for (index, variable) in stored.enumerated() {
      guard let name = variable.name.map(withoutOutputNumber) else { continue }
      let found = ownerInKeras2Name(name, byStoredName) ?? ownerInKeras3Name(name, byFlatName)
      if let (slot, owner) = found {
        ties[index] = .slot(slot, owner: owner.id, ownerName: owner.name)
      }
    }
    return ties
  }

  /// `[<scope>/]accumulator/<variable>`, or the legacy class's `<optimizer>/<variable>/accumulator`.
  private static func ownerInKeras2Name(
    _ name: String, _ owners: [String: [Owner]]
  ) -> (String, Owner)? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    for (position, part) in parts.enumerated() where keras2SlotNames.contains(part) {
      let following = parts[(position + 1)...].joined(separator: "/")
      if let owner = unique(owners[following]) { return (part, owner) }
      let enclosed = parts[..<position].dropFirst().joined(separator: "/")
      if position == parts.count - 1, let owner = unique(owners[enclosed]) { return (part, owner) }
    }
    return nil
  }

  /// `<optimizer>/<variable path with _ for />_accumulator`.
  private static func ownerInKeras3Name(
    _ name: String, _ owners: [String: [Owner]]
  ) -> (String, Owner)? {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    for (suffix, slot) in keras3SlotSuffixes where last.hasSuffix(suffix) {
      if let owner = unique(owners[String(last.dropLast(suffix.count))]) { return (slot, owner) }
    }
    return nil
  }

  private static let keras2SlotNames: Set = ["accumulator", "average"]
  /// The longer suffix first: `_gradient_accumulator` ends in `_accumulator`, too.
  private static let keras3SlotSuffixes = [
    ("_gradient_accumulator", "gradient_accumulator"), ("_accumulator", "accumulator"),
    ("_average", "average"),
  ]

  private static func unique(_ owners: [Owner]?) -> Owner? {
    owners?.count == 1 ? owners![0] : nil
  }

  /// TensorFlow's names end in the number of an operation's output, `:0`.
  static func withoutOutputNumber(_ name: String) -> String {
    name.hasSuffix(":0") ? String(name.dropLast(2)) : name
  }
}
