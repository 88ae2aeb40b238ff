public import KerasConfiguration

extension VerificationReport {
  /// The report as JSON: keys `schemaVersion`, `path`, `outcome` (`intact`, `damaged`, `notCovered`),
  /// `algorithm`, `roots`, and `items`, each with `subject`, `name`, `file`, `fileOffset`, `byteCount`,
  /// `outcome` and, when damaged, `reason` and `blocks`.
  public var json: JSONValue {
    let outcome = isWhole ? (isCovered ? "intact" : "notCovered") : "damaged"
    return .object(
      JSONObject([
        ("schemaVersion", JSONValue(ReportSchema.version)),
        ("path", .string(path)),
        ("outcome", .string(outcome)),
        ("algorithm", JSONValue(algorithm?.rawValue)),
        ("roots", .array(roots.map { .string($0) })),
        ("items", .array(items.map(\.json))),
      ]))
  }
}

extension VerificationReport.Item {
  fileprivate var json: JSONValue {
    var object = JSONObject([
      ("subject", .string(subject.rawValue)), ("name", .string(name)), ("file", .string(file)),
      ("fileOffset", JSONValue(fileOffset)), ("byteCount", JSONValue(byteCount)),
    ])
    switch outcome {
    case .intact: object.append("outcome", "intact")
    case .notCovered: object.append("outcome", "notCovered")
    case .damaged(let reason, let blocks):
      object.append("outcome", "damaged")
      object.append("reason", .string(reason))
      object.append("blocks", .array(blocks.map(\.json)))
    }
    return .object(object)
  }
}

extension TensorDamage {
  fileprivate var json: JSONValue {
    .object(
      JSONObject([
        ("block", JSONValue(block)), ("start", JSONValue(bytes.lowerBound)),
        ("end", JSONValue(bytes.upperBound)), ("expected", .string(expected)),
        ("found", .string(found)),
      ]))
  }
}
