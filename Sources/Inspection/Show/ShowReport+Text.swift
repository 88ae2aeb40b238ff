import Checkpoints
public import KerasConfiguration
import Tensors

extension ShowReport {
  public var text: [StyledText] {
    var lines = header + [""] + table.lines
    let total = items.reduce(0) { $0 + $1.entry.byteCount }
    lines += ["", "\(items.count) tensors, \(Readable.bytes(total))"]
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

  /// One line a tensor, slots under the variable that they belong to; what has no variable among the
  /// selected tensors follows by its whole name.
  private var table: TextTable {
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
    var table = TextTable()
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
    return table
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
    if let statistics = item.statistics { cells.append(StyledText(statistics.line)) }
    if let sha256 = item.sha256 { cells.append(sha256.styled(.quiet)) }
    return cells
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

extension TensorStatistics {
  fileprivate var line: String {
    if count == 1, let mean { return Readable.number(mean) }
    var parts: [String] = []
    if let minimum, let maximum, let mean, let standardDeviation {
      parts.append("\(Readable.number(minimum)) to \(Readable.number(maximum))")
      parts.append("mean \(Readable.number(mean)) ± \(Readable.number(standardDeviation))")
    }
    if zeroCount > 0 { parts.append("\(zeroCount) zero") }
    if nanCount > 0 { parts.append("\(nanCount) NaN") }
    if infinityCount > 0 { parts.append("\(infinityCount) infinite") }
    return parts.joined(separator: ", ")
  }
}
