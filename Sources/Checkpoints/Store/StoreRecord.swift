public import KerasConfiguration

/// What a ``CheckpointStore`` writes into its files about them, in the group `cairn`. A file without it is
/// not the store's, whatever its name, and is never deleted.
public struct StoreRecord: Sendable, Hashable {
  /// The step that the file was saved for.
  public var step: Int
  /// Values that were known when it was saved, such as `val_loss`.
  public var metrics: [String: Double]

  public init(step: Int, metrics: [String: Double] = [:]) {
    self.step = step
    self.metrics = metrics
  }

  public var json: JSONValue {
    let pairs = metrics.sorted { $0.key < $1.key }.map { ($0.key, JSONValue($0.value)) }
    return ["step": JSONValue(step), "metrics": .object(JSONObject(pairs))]
  }

  /// Nil for a value that is no such record.
  public init?(json: JSONValue) {
    guard let step = json["step"]?.int, let metrics = json["metrics"]?.object else { return nil }
    self.init(step: step)
    for pair in metrics.pairs {
      guard let value = pair.value.double else { return nil }
      self.metrics[pair.key] = value
    }
  }
}
