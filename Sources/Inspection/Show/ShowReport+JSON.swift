import Checkpoints
public import KerasConfiguration
import Tensors

extension ShowReport {
  /// Keys `schemaVersion`, `path`, `layout`, `dialect`, `kerasVersion`, `writtenByCairn`, `variables`
  /// (each with `sha256` of its little-endian bytes and `statistics`, if asked for), `optimizer`,
  /// `model`, `resumption`, `notes`.
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
        ("optimizer", manifest.optimizer?.json ?? .null),
        ("model", manifest.model?.json ?? .null),
        ("resumption", manifest.resumption?.json ?? .null),
        ("notes", .array(manifest.notes.map { .string($0) })),
      ]))
  }

  /// A row for each tensor.
  public var records: RecordTable {
    var table = RecordTable(
      columns: ["name", "role", "shape", "dtype", "byteCount"]
        + (options.digests ? ["sha256"] : [])
        + (options.statistics ? TensorStatistics.columns : []))
    for item in items {
      var object = item.json
      if case .object(let statistics)? = item.statistics?.json { object.pairs += statistics.pairs }
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

extension TensorStatistics {
  /// The keys of ``json``.
  static let columns = [
    "count", "minimum", "maximum", "mean", "standardDeviation", "zeroCount", "nanCount",
    "infinityCount",
  ]

  var json: JSONValue {
    .object(
      JSONObject([
        ("count", JSONValue(count)), ("minimum", JSONValue(minimum)),
        ("maximum", JSONValue(maximum)), ("mean", JSONValue(mean)),
        ("standardDeviation", JSONValue(standardDeviation)), ("zeroCount", JSONValue(zeroCount)),
        ("nanCount", JSONValue(nanCount)), ("infinityCount", JSONValue(infinityCount)),
      ]))
  }
}
