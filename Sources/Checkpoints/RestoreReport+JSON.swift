public import KerasConfiguration

extension RestoreReport {
  /// The report as JSON: keys `schemaVersion`, `complete`, `restored`, `kept`, `missing`, `unused`,
  /// `mismatched`, `notes`.
  public var json: JSONValue {
    func list(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }
    func list(_ unmatched: [Unmatched]) -> JSONValue {
      .array(
        unmatched.map {
          .object(
            JSONObject([("name", .string($0.name)), ("suggestion", JSONValue($0.suggestion))]))
        })
    }
    return .object(
      JSONObject([
        ("schemaVersion", JSONValue(ReportSchema.version)),
        ("complete", .bool(isComplete)),
        ("restored", list(restored)), ("kept", list(kept)), ("missing", list(missing)),
        ("unused", list(unused)),
        (
          "mismatched",
          .array(
            mismatched.map {
              .object(
                JSONObject([("name", .string($0.name)), ("problem", .string($0.problem))]))
            })
        ),
        ("notes", list(notes)),
      ]))
  }
}
