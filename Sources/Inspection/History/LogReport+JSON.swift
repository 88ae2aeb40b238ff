import Checkpoints
public import KerasConfiguration

extension LogReport {
  /// Keys `schemaVersion`, `folder`, `checkpoints`; each of these has the columns of ``records`` for keys,
  /// and `metrics`, an object.
  public var json: JSONValue {
    [
      "schemaVersion": JSONValue(ReportSchema.version), "folder": .string(folder),
      "checkpoints": .array(entries.map { .object($0.json) }),
    ]
  }

  /// A row for each checkpoint.
  public var records: RecordTable {
    var table = RecordTable(columns: LogEntry.columns)
    for entry in entries { table.add(entry.json) }
    return table
  }
}

extension LogEntry {
  /// `path`; `step` and `epoch` of the run, the latter from 0; `time` of the file (ISO 8601, UTC);
  /// `loss`, the mean since the checkpoint before, `greatestLoss` and `lastLoss`; `weightNorm`; `relativeChange`,
  /// |w - w_before| / |w_before|; `largestChange` of an element and `largestChangeName`, its tensor;
  /// `nonFiniteCount` of elements in weights and slots; `marks`, see ``Mark``; `trouble`, why it cannot be
  /// read. What is not known, or not finite, is null.
  static let columns = [
    "path", "step", "epoch", "time", "loss", "greatestLoss", "lastLoss", "weightNorm",
    "relativeChange",
    "largestChange", "largestChangeName", "nonFiniteCount", "marks", "trouble",
  ]

  var json: JSONObject {
    func number(_ value: Double?) -> JSONValue {
      JSONValue(value.flatMap { $0.isFinite ? $0 : nil })
    }
    let metrics = (content?.record.metrics ?? [:]).sorted { $0.key < $1.key }
    let numbers = content?.numbers
    let change = content?.change
    return JSONObject([
      ("path", .string(path)), ("step", JSONValue(step)),
      ("epoch", JSONValue(content?.record.epoch)), ("time", JSONValue(time?.iso8601)),
      ("loss", number(content?.loss?.mean)), ("greatestLoss", number(content?.loss?.greatest)),
      ("lastLoss", number(content?.loss?.last)),
      ("metrics", .object(JSONObject(metrics.map { ($0.key, number($0.value)) }))),
      ("weightNorm", number(numbers?.weightNorm)), ("relativeChange", number(change?.relative)),
      ("largestChange", number(change?.largest)),
      ("largestChangeName", JSONValue(change?.largestName)),
      ("nonFiniteCount", JSONValue(numbers?.nonFiniteCount)),
      ("marks", .array(marks.map { .string($0.rawValue) })), ("trouble", JSONValue(trouble)),
    ])
  }
}
