import ArgumentParser
import Checkpoints
import KerasConfiguration
import Tensors

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "What is in a checkpoint: layers, variables, optimizer slots, configuration.",
    discussion: "Example: checkpoint-inspect show model.h5 --statistics")

  @Argument(help: "The checkpoint file.")
  var file: String

  @Flag(help: "Add the SHA-256 of each tensor's little-endian bytes.")
  var digests = false

  @Flag(
    help: "Add minimum, maximum, mean, deviation, zeros and non-finite elements of each tensor.")
  var statistics = false

  @Option(help: "How to print: text or json.")
  var format = ReportFormat.text

  @OptionGroup var reading: ReadingOptions

  func run() throws {
    try Console.reportingTrouble { () throws(CheckpointError) in
      let reader = try CheckpointReader(opening: file, verifying: reading.verifying)
      switch format {
      case .json: Console.printJSON(try reader.json(digests: digests, statistics: statistics))
      case .text: try printText(reader)
      }
    }
  }

  private func printText(_ reader: borrowing CheckpointReader) throws(CheckpointError) {
    let manifest = reader.manifest
    let keras = manifest.kerasVersion.map { ", written by Keras \($0)" } ?? ""
    let writer = manifest.isFromCairn ? ", written by Cairn" : keras
    Console.printLine(
      "\(file): \(manifest.layout.title) in the dialect of \(manifest.dialect)\(writer)")
    if let model = manifest.model { Console.printLine("model \(model.name) (\(model.className))") }
    if let optimizer = manifest.optimizer { Console.printLine(optimizer.line) }
    Console.printLine()
    for line in try table(reader).lines { Console.printLine(line) }
    let total = manifest.entries.reduce(0) { $0 + $1.byteCount }
    Console.printLine()
    Console.printLine("\(manifest.entries.count) tensors, \(Readable.bytes(total))")
    if let optimizer = manifest.optimizer?.entry {
      Console.printLine(
        "optimizer configuration: \(JSONValue.object(optimizer.configuration).text)")
    }
    if let resumption = manifest.resumption {
      Console.printLine("resumption: \(resumption.json.text)")
    }
    for note in manifest.notes { Console.printLine("note: \(note)") }
  }

  /// One line a tensor, slots under the variable that they belong to.
  private func table(_ reader: borrowing CheckpointReader) throws(CheckpointError) -> TextTable {
    let manifest = reader.manifest
    var table = TextTable()
    var layer: LayerPath?
    for entry in manifest.entries {
      guard case .weight(let id) = entry.role else { continue }
      if id.layer != layer {
        layer = id.layer
        table.add([title(of: id.layer, in: manifest)])
      }
      let own = entry.name.dropFirst(id.layer.names.isEmpty ? 0 : id.layer.description.count + 1)
      try add(entry, label: "  \(own)", to: &table, reader)
      for slot in manifest.slots(of: id) {
        guard case .slot(let name, _, _) = slot.role else { continue }
        try add(slot, label: "    \(name)", to: &table, reader)
      }
    }
    let rest = manifest.entries.filter { entry in
      switch entry.role {
      case .weight, .slot: false
      case .iteration, .learningRate, .lossScale, .untied, .other: true
      }
    }
    for entry in rest { try add(entry, label: entry.name, to: &table, reader) }
    return table
  }

  private func title(of layer: LayerPath, in manifest: CheckpointManifest) -> String {
    let className = manifest.model?.layers.first { $0.name == layer.names.first }?.className
    let name = layer.names.isEmpty ? "(the model's own)" : layer.description
    return layer.names.count == 1 ? name + (className.map { " (\($0))" } ?? "") : name
  }

  private func add(
    _ entry: CheckpointEntry, label: String, to table: inout TextTable,
    _ reader: borrowing CheckpointReader
  ) throws(CheckpointError) {
    var cells = [
      label, entry.storedType, entry.shape.description, Readable.bytes(entry.byteCount),
    ]
    if entry.dtype != nil {
      if statistics { cells.append(TensorStatistics(of: try reader.read(entry)).line) }
      if digests { cells.append(try reader.sha256(of: entry)) }
    }
    table.add(cells)
  }
}

extension Layout {
  fileprivate var title: String {
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
