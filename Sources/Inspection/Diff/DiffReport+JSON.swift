import Checkpoints
public import KerasConfiguration
import Tensors

extension DiffReport {
  /// Keys `schemaVersion`, `same`, `variables` (each with `name`, `outcome`, and for
  /// a changed one `elementCount`, `changedCount`, `maximumAbsolute`, `meanAbsolute`,
  /// `rootMeanSquare`, `relativeChange`, `maximumIndex`, `nonFiniteCount`), `configuration` (each with
  /// `path`, `before`, `after`, `meaning`), `notes`, `descent`.
  public var json: JSONValue {
    .object(
      JSONObject([
        ("schemaVersion", JSONValue(ReportSchema.version)),
        ("same", .bool(diff.isEmpty)),
        ("variables", .array(diff.items.map { .object($0.json) })),
        ("configuration", .array(diff.configuration.map(\.json))),
        ("notes", .array(diff.notes.map { .string($0) })),
        ("descent", descent.json),
      ]))
  }

  /// A row for each tensor.
  public var records: RecordTable {
    var table = RecordTable(columns: [
      "name", "role", "outcome", "elementCount", "changedCount", "maximumAbsolute", "meanAbsolute",
      "rootMeanSquare", "relativeChange", "nonFiniteCount",
    ])
    for item in diff.items { table.add(item.json) }
    return table
  }
}

extension CheckpointDiff.Item {
  fileprivate var json: JSONObject {
    var object = JSONObject([
      ("name", .string(name)), ("role", .string((before ?? after)!.role.keyword)),
      ("outcome", .string(outcome.keyword)),
    ])
    switch outcome {
    case .changed(let comparison):
      object.append("elementCount", JSONValue(comparison.elementCount))
      object.append("changedCount", JSONValue(comparison.changedCount))
      object.append("maximumAbsolute", JSONValue(comparison.maximumDistance))
      object.append("meanAbsolute", JSONValue(comparison.meanDistance))
      object.append("rootMeanSquare", JSONValue(comparison.rootMeanSquareDistance))
      object.append("relativeChange", JSONValue(comparison.relativeChange))
      if let position = comparison.maximumPosition {
        let index = before!.shape.index(of: position)
        object.append("maximumIndex", .array(index.map { JSONValue($0) }))
      }
      object.append("nonFiniteCount", JSONValue(comparison.nonFiniteCount))
    case .shapeDiffers:
      for (key, entry) in [("shapeBefore", before), ("shapeAfter", after)] {
        object.append(key, .array(entry!.shape.dimensions.map { JSONValue($0) }))
      }
    case .dtypeDiffers:
      object.append("dtypeBefore", .string(before!.storedType))
      object.append("dtypeAfter", .string(after!.storedType))
    case .equal, .onlyInFirst, .onlyInSecond, .ambiguous: break
    }
    return object
  }
}

extension CheckpointDiff.ConfigurationDifference {
  fileprivate var json: JSONValue {
    .object(
      JSONObject([
        ("path", .string(path)), ("before", JSONValue(before)), ("after", JSONValue(after)),
        ("meaning", JSONValue(meaning)),
      ]))
  }
}
