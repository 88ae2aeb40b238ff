import Checkpoints
import KerasConfiguration
import Training

extension Retention {
  var json: JSONValue {
    [
      "newest": JSONValue(newest), "everySteps": JSONValue(everySteps),
      "best": best.map {
        [
          "metric": .string($0.metric), "count": JSONValue($0.count),
          "direction": .string($0.direction.rawValue),
        ]
      } ?? .null,
    ]
  }

  /// Nil for a value that is no such setting.
  init?(json: JSONValue) {
    guard let newest = json.optional("newest", \.int), newest ?? 1 >= 1,
      let everySteps = json.optional("everySteps", \.int), everySteps ?? 1 >= 1,
      let best = json.optional("best", { Best(json: $0) })
    else { return nil }
    self.init(newest: newest, best: best, everySteps: everySteps)
  }
}

extension Retention.Best {
  fileprivate init?(json: JSONValue) {
    guard let metric = json["metric"]?.string, let count = json["count"]?.int, count >= 1,
      let direction = json["direction"]?.string.flatMap(MetricDirection.init)
    else { return nil }
    self.init(metric, count: count, direction: direction)
  }
}

extension EarlyStopping {
  var json: JSONValue {
    [
      "monitor": .string(monitor), "minimumChange": JSONValue(minimumChange),
      "patience": JSONValue(patience), "direction": .string(direction.rawValue),
      "baseline": JSONValue(baseline), "startFromEpoch": JSONValue(startFromEpoch),
      "keepsBestWeights": .bool(keepsBestWeights),
    ]
  }

  /// Nil for a value that is no such setting.
  init?(json: JSONValue) {
    guard let monitor = json["monitor"]?.string,
      let minimumChange = json["minimumChange"]?.double,
      let patience = json["patience"]?.int,
      let direction = json["direction"]?.string.flatMap(MetricDirection.init),
      let baseline = json.optional("baseline", \.double),
      let startFromEpoch = json["startFromEpoch"]?.int,
      let keepsBestWeights = json["keepsBestWeights"]?.bool
    else { return nil }
    self.init(
      monitor: monitor, minimumChange: minimumChange, patience: patience, direction: direction,
      baseline: baseline, startFromEpoch: startFromEpoch, keepsBestWeights: keepsBestWeights)
  }
}

extension JSONValue {
  /// The value of a key that may be missing or null: nil in nil when it is something else.
  fileprivate func optional<Value>(
    _ key: String, _ decode: (JSONValue) -> Value?
  ) -> Value?? {
    guard let value = self[key], value != .null else { return .some(nil) }
    return decode(value).map { .some($0) }
  }
}
