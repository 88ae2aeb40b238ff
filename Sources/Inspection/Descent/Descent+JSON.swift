import KerasConfiguration

extension Descent {
  /// Keys `verdict` (`consistent`, `impossible`, `notProvable`), `stepsApart`, `updateCount`,
  /// `greatestLearningRate`, `contradictions`, `obstacles`, `assumptions`, and `variables`, each with
  /// `name`, `verdict`, `rootMeanSquareGradient`, `touchedRowCount`, `rowCount`,
  /// `rootMeanSquareGradientOfTouchedRows`, `obstacles`.
  var json: JSONValue {
    .object(
      JSONObject([
        ("verdict", .string(verdict.rawValue)),
        ("stepsApart", JSONValue(stepsApart.map { Int($0) })),
        ("updateCount", JSONValue(updateCount.map { Int($0) })),
        ("greatestLearningRate", JSONValue(greatestLearningRate)),
        ("contradictions", .array(allContradictions.map(\.json))),
        ("obstacles", .array(obstacles.map { .string($0) })),
        ("assumptions", .array(assumptions.map { .string($0) })),
        ("variables", .array(variables.map(\.json))),
      ]))
  }
}

extension VariableDescent {
  fileprivate var json: JSONValue {
    .object(
      JSONObject([
        ("name", .string(name)), ("verdict", .string(verdict.rawValue)),
        ("rootMeanSquareGradient", JSONValue(rootMeanSquareGradient)),
        ("touchedRowCount", JSONValue(touchedRowCount)), ("rowCount", JSONValue(rowCount)),
        ("rootMeanSquareGradientOfTouchedRows", JSONValue(rootMeanSquareGradientOfTouchedRows)),
        ("obstacles", .array(obstacles.map { .string($0) })),
      ]))
  }
}

extension Contradiction {
  /// Keys `kind`, `tensor`, `count`, `found`, `limit`, `sentence`, and for one element `index`,
  /// `weightBefore`, `weightAfter`, `accumulatorBefore`, `accumulatorAfter`.
  fileprivate var json: JSONValue {
    var object = JSONObject([
      ("kind", .string(kind.rawValue)), ("tensor", JSONValue(tensor)),
      ("count", JSONValue(count)), ("found", JSONValue(found)), ("limit", JSONValue(limit)),
      ("sentence", .string(sentence)),
    ])
    if let worst {
      object.append("index", .array(worst.index.map { JSONValue($0) }))
      object.append("weightBefore", JSONValue(worst.weightBefore))
      object.append("weightAfter", JSONValue(worst.weightAfter))
      object.append("accumulatorBefore", JSONValue(worst.accumulatorBefore))
      object.append("accumulatorAfter", JSONValue(worst.accumulatorAfter))
    }
    return .object(object)
  }
}
