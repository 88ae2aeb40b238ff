import KerasConfiguration

/// A setting that both sides changed, each otherwise.
public struct SettingConflict: Sendable, Hashable {
  /// Where: `training.loss`, `training.optimizer.config.epsilon`, `learning_rate`, `model`.
  public let path: String
  /// As JSON; nil where it is absent.
  public let base: String?
  public let ours: String?
  public let theirs: String?
  /// Whose counts; nil when that is open.
  public let resolution: MergeSide?
}

/// Three JSON values merged leaf by leaf.
struct ConfigurationMerge {
  private let side: MergeSide?
  private(set) var conflicts: [SettingConflict] = []
  /// Whether something was taken from theirs.
  private(set) var takesTheirs = false

  init(taking side: MergeSide?) { self.side = side }

  /// A missing value is nil, and counts as one. Arrays are leaves: their elements have no names.
  mutating func merge(
    _ base: JSONValue?, _ ours: JSONValue?, _ theirs: JSONValue?, at path: String
  ) -> JSONValue? {
    if Self.same(ours, theirs) || Self.same(base, theirs) { return ours }
    if Self.same(base, ours) {
      takesTheirs = true
      return theirs
    }
    if let a = ours?.object, let b = theirs?.object {
      var merged = a
      let keys = a.keys + b.keys.filter { a[$0] == nil }
      for key in keys {
        merged[key] = merge(base?[key], a[key], b[key], at: "\(path).\(key)")
      }
      return .object(merged)
    }
    conflicts.append(
      SettingConflict(
        path: path, base: base?.text, ours: ours?.text, theirs: theirs?.text, resolution: side))
    if side == .theirs {
      takesTheirs = true
      return theirs
    }
    return ours
  }

  /// The same number in two spellings is the same.
  private static func same(_ a: JSONValue?, _ b: JSONValue?) -> Bool {
    if let x = a?.number, let y = b?.number { return x.double == y.double }
    if let x = a?.object, let y = b?.object {
      return Set(x.keys) == Set(y.keys) && x.keys.allSatisfy { same(x[$0], y[$0]) }
    }
    return a == b
  }
}
