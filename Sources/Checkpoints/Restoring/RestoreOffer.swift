import Tensors

/// A tensor of the source under the name that it has in the target's terms.
struct RestoreOffer {
  let name: String
  /// What it is to become.
  let role: CheckpointEntry.Role
  let entry: CheckpointEntry

  /// Everything that a source offers: renamed, averages as weights if asked for, positional variables
  /// under the names of the target's if that is to be assumed.
  static func all(
    of source: CheckpointManifest, for target: CheckpointManifest, _ selection: RestoreSelection,
    _ report: inout RestoreReport
  ) -> [RestoreOffer] {
    var used: Set<RenameRule> = []
    func renamed(_ name: String) -> String {
      for rule in selection.renames {
        if let new = rule.renamed(name) {
          used.insert(rule)
          return new
        }
      }
      return name
    }
    let averages = averageByOwner(source, selection, &report)
    let positional = positionalNames(source, target, selection, &report)
    var offers: [RestoreOffer] = []
    for entry in source.entries {
      if let counterpart = positional[entry.datasetPath] {
        offers.append(.init(name: counterpart.name, role: counterpart.role, entry: entry))
        continue
      }
      switch entry.role {
      case .weight:
        offers.append(
          .init(
            name: renamed(entry.name), role: entry.role, entry: averages[entry.name] ?? entry))
      case .slot(let slot, _, let ownerName):
        offers.append(
          .init(name: "\(slot)/\(renamed(ownerName))", role: entry.role, entry: entry))
      case .iteration, .learningRate, .lossScale, .untied, .other:
        offers.append(.init(name: entry.name, role: entry.role, entry: entry))
      }
    }
    for rule in selection.renames where !used.contains(rule) {
      let names = source.entries.compactMap { entry in
        if case .weight = entry.role { entry.name } else { nil }
      }
      let meant = rule.from.suggestion(among: names).map { ": did you mean \($0)?" } ?? ""
      report.notes.append("no variable of the source is called \(rule.from.pattern)\(meant)")
    }
    return offers
  }

  private static func averageByOwner(
    _ source: CheckpointManifest, _ selection: RestoreSelection, _ report: inout RestoreReport
  ) -> [String: CheckpointEntry] {
    guard selection.weights == .average else { return [:] }
    var averages: [String: CheckpointEntry] = [:]
    for entry in source.entries {
      if case .slot(slot: "average", _, let ownerName) = entry.role { averages[ownerName] = entry }
    }
    if averages.isEmpty {
      report.mismatched.append(
        .init(name: "average/*", problem: "the source keeps no averages to take as weights"))
    }
    return averages
  }

  /// For each optimizer variable of the source, by its path, the target's at the same position; empty
  /// where all owners are proven.
  private static func positionalNames(
    _ source: CheckpointManifest, _ target: CheckpointManifest, _ selection: RestoreSelection,
    _ report: inout RestoreReport
  ) -> [String: CheckpointEntry] {
    let (from, into) = (source.optimizerVariables, target.optimizerVariables)
    guard (from + into).contains(where: { $0.role == .untied }), selection.wantsAllSlots else {
      return [:]
    }
    guard selection.assumesOrder else {
      let side = from.contains { $0.role == .untied } ? "source" : "target"
      report.mismatched.append(
        .init(
          name: "optimizer variables",
          problem:
            "those of the \(side) are positional, unproven: restore from or into a checkpoint"
            + " with the architecture, or --assume-order, or leave them out (--role weight)"))
      return [:]
    }
    guard from.count == into.count else {
      report.mismatched.append(
        .init(
          name: "optimizer variables",
          problem: "expected \(into.count) in the order of the target, found \(from.count)"))
      return [:]
    }
    report.notes.append(
      "\(from.count) optimizer variables are carried over by position, unproven, as asked")
    return Dictionary(zip(from.map(\.datasetPath), into)) { first, _ in first }
  }
}

extension CheckpointManifest {
  /// What an optimizer keeps for variables, in the file's order.
  fileprivate var optimizerVariables: [CheckpointEntry] {
    entries.filter { entry in
      switch entry.role {
      case .slot, .untied: true
      case .weight, .iteration, .learningRate, .lossScale, .other: false
      }
    }
  }
}
