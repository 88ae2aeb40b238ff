public import KerasConfiguration
import Tensors

/// What `checkpoint-inspect` prints for machines. A key is never renamed or given another meaning
/// under the same version.
public enum ReportSchema {
  public static let version = 1
}

extension CheckpointReader {
  /// The manifest as JSON: keys `schemaVersion`, `path`, `layout`, `dialect`, `kerasVersion`,
  /// `writtenByCairn`, `variables`, `optimizer`, `model`, `resumption`, `notes`.
  ///
  /// - Parameters:
  ///   - digests: adds to each variable `sha256` of its little-endian bytes.
  ///   - statistics: adds to each variable `statistics`.
  public func json(digests: Bool, statistics: Bool) throws(CheckpointError) -> JSONValue {
    var variables: [JSONValue] = []
    for entry in manifest.entries {
      var object = entry.json
      if entry.dtype != nil {
        if digests { object.append("sha256", .string(try sha256(of: entry))) }
        if statistics {
          object.append("statistics", TensorStatistics(of: try read(entry)).json)
        }
      }
      variables.append(.object(object))
    }
    return .object(
      JSONObject([
        ("schemaVersion", JSONValue(ReportSchema.version)),
        ("path", .string(path)),
        ("layout", .string(manifest.layout.rawValue)),
        ("dialect", .string(manifest.dialect.rawValue)),
        ("kerasVersion", JSONValue(manifest.kerasVersion)),
        ("writtenByCairn", .bool(manifest.isFromCairn)),
        ("variables", .array(variables)),
        ("optimizer", manifest.optimizer?.json ?? .null),
        ("model", manifest.model?.json ?? .null),
        ("resumption", manifest.resumption?.json ?? .null),
        ("notes", .array(manifest.notes.map { .string($0) })),
      ]))
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

extension JSONObject {
  mutating func append(_ key: String, _ value: JSONValue) {
    pairs.append(Pair(key: key, value: value))
  }
}
