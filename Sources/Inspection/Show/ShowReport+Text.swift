import Checkpoints
public import KerasConfiguration
import Tensors

extension ShowReport {
  public var text: [StyledText] {
    var lines = header + [""] + table.lines + [""] + totals.lines
    if let health { lines += [""] + health.text + [""] }
    if let optimizer = manifest.optimizer?.entry {
      lines.append("optimizer configuration: \(JSONValue.object(optimizer.configuration).text)")
    }
    if let resumption = manifest.resumption {
      lines.append("resumption: \(resumption.json.text)")
    }
    return lines + manifest.notes.map { "note: ".styled(.warning) + $0.styled(.plain) }
  }

  private var header: [StyledText] {
    let keras = manifest.kerasVersion.map { ", written by Keras \($0)" } ?? ""
    let writer = manifest.isFromCairn ? ", written by Cairn" : keras
    let kind = "\(manifest.layout.title) in the dialect of \(manifest.dialect)\(writer)"
    var lines = [path.styled(.heading) + StyledText(": \(kind)")]
    if let model = manifest.model { lines.append("model \(model.name) (\(model.className))") }
    if let optimizer = manifest.optimizer { lines.append(StyledText(optimizer.line)) }
    return lines
  }

  private var table: TextTable {
    let hasStatistics = items.contains { $0.statistics != nil }
    var table = TextTable(
      rightAligned: hasStatistics ? Array(4...4 + StatisticsCells.numberCount) : [])
    if hasStatistics {
      let titles = ["", "", "", ""] + StatisticsCells.titles
      table.add(titles.map { $0.styled(.quiet) })
    }
    if options.order == .file {
      addTree(to: &table)
    } else {
      for item in items { table.add(cells(item, label: item.entry.name)) }
    }
    return table
  }

  /// One line a tensor, slots under the variable that they belong to; what has no variable among the
  /// selected tensors follows by its whole name.
  private func addTree(to table: inout TextTable) {
    let shown = Set(items.compactMap { $0.entry.variable })
    var slots: [VariableID: [Item]] = [:]
    var rest: [Item] = []
    for item in items {
      switch item.entry.role {
      case .weight: break
      case .slot(_, let owner, _) where shown.contains(owner):
        slots[owner, default: []].append(item)
      default: rest.append(item)
      }
    }
    let classNames = Dictionary(
      manifest.model?.layers.map { ($0.name, $0.className) } ?? []
    ) { first, _ in first }
    var layer: LayerPath?
    for item in items {
      guard let id = item.entry.variable else { continue }
      if id.layer != layer {
        layer = id.layer
        table.add([title(of: id.layer, classNames)])
      }
      let layerName = id.layer.names.isEmpty ? 0 : id.layer.description.count + 1
      table.add(cells(item, label: "  \(item.entry.name.dropFirst(layerName))"))
      for slot in slots[id] ?? [] {
        guard case .slot(let name, _, _) = slot.entry.role else { continue }
        table.add(cells(slot, label: "    \(name)"))
      }
    }
    for item in rest { table.add(cells(item, label: item.entry.name)) }
  }

  private func title(of layer: LayerPath, _ classNames: [String: String]) -> StyledText {
    guard !layer.names.isEmpty else { return "(the model's own)".styled(.heading) }
    let className = layer.names.count == 1 ? classNames[layer.names[0]] : nil
    return layer.description.styled(.heading) + (className.map { " (\($0))" } ?? "").styled(.quiet)
  }

  private func cells(_ item: Item, label: String) -> [StyledText] {
    let entry = item.entry
    var cells: [StyledText] = [
      StyledText(label), StyledText(entry.storedType), StyledText(entry.shape.description),
      StyledText(Readable.bytes(entry.byteCount)),
    ]
    if let statistics = item.statistics { cells += StatisticsCells.cells(statistics) }
    if let sha256 = item.sha256 { cells.append(sha256.styled(.quiet)) }
    return cells
  }

  /// A line for each role, and one for all.
  private var totals: TextTable {
    var table = TextTable(rightAligned: [1, 2, 3])
    func add(_ title: String, _ items: [Item]) {
      let elements = items.reduce(0) { $0 + $1.entry.shape.elementCount }
      table.add([
        StyledText(title),
        StyledText("\(Readable.count(items.count)) tensor\(items.count == 1 ? "" : "s")"),
        StyledText("\(Readable.count(elements)) number\(elements == 1 ? "" : "s")"),
        StyledText(Readable.bytes(items.reduce(0) { $0 + $1.entry.byteCount })),
      ])
    }
    let totals = totalsByRole
    for (role, items) in totals where totals.count > 1 { add(role, items) }
    add("total", items)
    return table
  }

  /// The roles in the order of their first tensors.
  var totalsByRole: [(role: String, items: [Item])] {
    var totals: [(role: String, items: [Item])] = []
    for item in items {
      let role = item.entry.role.keyword
      if let index = totals.firstIndex(where: { $0.role == role }) {
        totals[index].items.append(item)
      } else {
        totals.append((role, [item]))
      }
    }
    return totals
  }
}

extension CheckpointEntry {
  /// The variable of the model that this is; nil of everything else.
  fileprivate var variable: VariableID? {
    if case .weight(let id) = role { id } else { nil }
  }
}

extension Layout {
  /// What a file of this layout is called.
  public var title: String {
    switch self {
    case .wholeModel: "whole-model file"
    case .legacyWeights: "weights-only file"
    case .weights: "weights file"
    case .archive: "archive"
    case .sharded: "sharded weights"
    case .directory: "folder"
    case .safetensors: "safetensors file"
    case .npz: "NumPy archive"
    }
  }
}

extension OptimizerSummary {
  fileprivate var line: String {
    var parts = ["optimizer \(className ?? "of an unknown class")"]
    if let learningRate { parts.append("learning rate \(Readable.number(learningRate))") }
    if let iterations { parts.append("iteration \(iterations)") }
    return parts.joined(separator: ", ")
  }
}
