import Checkpoints
import KerasConfiguration

extension CheckpointDiff.ConfigurationDifference {
  /// What the difference means, where that is known, and the two texts: `learning rate halved: 0.1 ->
  /// 0.05`.
  var sentence: String {
    let values = "\(before ?? "absent") -> \(after ?? "absent")"
    guard let meaning else { return "\(path): \(values)" }
    return "\(meaning): \(values)"
  }

  /// What became of the setting; nil for one that is not known.
  var meaning: String? {
    guard let setting = Self.settings[path] else { return nil }
    let (old, new) = (Self.number(before), Self.number(after))
    switch (old, new) {
    case (nil, nil):
      if Self.isOff(before) != Self.isOff(after) {
        return "\(setting) \(Self.isOff(before) ? "added" : "removed")"
      }
      return "\(setting) changed"
    case (nil, _?): return Self.isOff(before) ? "\(setting) added" : "\(setting) changed"
    case (_?, nil): return Self.isOff(after) ? "\(setting) removed" : "\(setting) changed"
    case (let old?, let new?):
      guard old > 0, new > 0 else { return "\(setting) changed" }
      let factor = new / old
      func isNear(_ value: Double) -> Bool { (factor / value - 1).magnitude < 1e-4 }
      if isNear(0.5) { return "\(setting) halved" }
      if isNear(2) { return "\(setting) doubled" }
      if isNear(1) { return "\(setting) changed" }
      if factor > 2 / 3.0, factor < 1.5 {
        return "\(setting) \(factor > 1 ? "raised" : "lowered")"
      }
      return factor > 1
        ? "\(setting) raised \(Readable.number(Self.rounded(factor)))-fold"
        : "\(setting) lowered to 1/\(Readable.number(Self.rounded(1 / factor)))"
    }
  }

  private static let settings = [
    "optimizer.class_name": "optimizer",
    "optimizer.learning_rate": "learning rate",
    "optimizer.epsilon": "epsilon",
    "optimizer.weight_decay": "weight decay",
    "optimizer.clipnorm": "clipping by norm",
    "optimizer.global_clipnorm": "clipping by global norm",
    "optimizer.clipvalue": "clipping by value",
    "optimizer.use_ema": "moving averages",
    "optimizer.ema_momentum": "momentum of the averages",
    "optimizer.ema_overwrite_frequency": "overwriting by averages",
    "optimizer.initial_accumulator_value": "start of the accumulators",
    "optimizer.gradient_accumulation_steps": "accumulation of gradients",
    "optimizer.arithmetic": "arithmetic",
  ]

  private static func number(_ text: String?) -> Double? { text.flatMap { Double($0) } }

  private static func isOff(_ text: String?) -> Bool {
    text == nil || text == "null" || text == "false"
  }

  private static func rounded(_ factor: Double) -> Double { (factor * 1000).rounded() / 1000 }
}
