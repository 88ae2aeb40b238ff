import Checkpoints
public import KerasConfiguration
import Tensors

extension ShowReport {
  /// As `Schemas/show.json` describes.
  public var json: JSONValue {
    .object(
      JSONObject([
        ("schemaVersion", JSONValue(ReportSchema.version)),
        ("path", .string(path)),
        ("layout", .string(manifest.layout.rawValue)),
        ("dialect", .string(manifest.dialect.rawValue)),
        ("kerasVersion", JSONValue(manifest.kerasVersion)),
        ("writtenByCairn", .bool(manifest.isFromCairn)),
        ("variables", .array(items.map { .object($0.json) })),
        ("totals", .array(totalsByRole.map { total in Self.total(total.role, total.items) })),
        ("health", health?.json ?? .null),
        ("optimizer", manifest.optimizer?.json ?? .null),
        ("model", manifest.model?.json ?? .null),
        ("resumption", manifest.resumption?.json ?? .null),
        ("notes", .array(manifest.notes.map { .string($0) })),
      ]))
  }

  private static func total(_ role: String, _ items: [Item]) -> JSONValue {
    [
      "role": .string(role), "tensorCount": JSONValue(items.count),
      "elementCount": JSONValue(items.reduce(0) { $0 + $1.entry.shape.elementCount }),
      "byteCount": JSONValue(items.reduce(0) { $0 + $1.entry.byteCount }),
    ]
  }

  /// A row for each tensor.
  public var records: RecordTable {
    var table = RecordTable(
      columns: ["name", "role", "shape", "dtype", "byteCount"]
        + (options.digests ? ["sha256"] : [])
        + (options.statistics ? TensorStatistics.columns : [])
        + (health == nil ? [] : OptimizerHealth.columns))
    let health = Dictionary(
      (health?.variables ?? []).map { ($0.name, $0.record) }
    ) { first, _ in first }
    for item in items {
      var object = item.json
      if let statistics = item.statistics { object.pairs += statistics.record.pairs }
      if let health = health[item.entry.name] { object.pairs += health.pairs }
      table.add(object)
    }
    return table
  }
}

extension ShowReport.Item {
  fileprivate var json: JSONObject {
    var object = entry.json
    if let sha256 { object.append("sha256", .string(sha256)) }
    if let statistics { object.append("statistics", statistics.json) }
    return object
  }
}

extension CheckpointEntry {
  var json: JSONObject {
    var object = JSONObject([
      ("name", .string(name)), ("datasetPath", .string(datasetPath)),
      ("role", .string(role.keyword)),
    ])
    switch role {
    case .weight(let id): object.append("layer", .string(id.layer.description))
    case .slot(let slot, _, let ownerName):
      object.append("slot", .string(slot))
      object.append("variable", .string(ownerName))
    case .iteration, .learningRate, .lossScale, .untied, .other: break
    }
    object.append("shape", .array(shape.dimensions.map { JSONValue($0) }))
    object.append("dtype", .string(storedType))
    object.append("byteCount", JSONValue(byteCount))
    return object
  }
}

extension OptimizerSummary {
  var json: JSONValue {
    .object(
      JSONObject([
        ("className", JSONValue(className)),
        ("iterations", JSONValue(iterations.map { Int($0) })),
        ("learningRate", JSONValue(learningRate)),
        ("arithmetic", JSONValue(recordedArithmetic?.rawValue)),
        ("configuration", entry.map { .object($0.configuration) } ?? .null),
      ]))
  }
}
