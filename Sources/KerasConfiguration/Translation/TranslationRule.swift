/// How the options of one class differ between the generations of Keras. What no rule names is spelled
/// alike.
struct TranslationRule {
  /// Options that only some dialects write.
  var own: [OwnOption] = []
  /// Options of two names: Keras 2's and Keras 3's.
  var renamed: [(keras2: String, keras3: String)] = []
  /// Options of two spellings.
  var spellings: [String: Spelling] = [:]
  /// Options that the generations write in another order, in Keras 2's and in Keras 3's, between spaces.
  /// They change places among themselves.
  var order: (keras2: String, keras3: String)?

  /// An option that only some dialects write.
  struct OwnOption {
    let key: String
    let dialects: Set<Dialect>
    /// What stands there unless somebody chose otherwise.
    let usual: Usual
    /// Where it is written: behind this key, or last.
    var follows: String?
    /// What the other dialects make of another value than the usual one.
    var elsewhere = Elsewhere.lost
  }

  enum Usual {
    case value(JSONValue)
    /// The shape of the input of this index, `null` where unknown.
    case shape(ofInput: Int)
  }

  enum Elsewhere {
    /// They cannot express it.
    case lost
    /// It changes nothing that a model computes, or follows from the rest.
    case meaningless
    /// They do not write it, but read it.
    case understood
  }

  enum Spelling {
    /// One axis: a list counted from the first in Keras 2, an integer in Keras 3, -1 for the last.
    case axis
    /// Axes: counted from the first in Keras 2; `[-1]` for the last alone in Keras 3.
    case axes
    /// A number stands for a list of one in Keras 3.
    case list
  }
}

extension TranslationRule.OwnOption {
  /// An option of Keras 3 alone.
  static func keras3(
    _ key: String, _ usual: JSONValue, after: String? = nil,
    elsewhere: TranslationRule.Elsewhere = .lost
  ) -> Self {
    .init(
      key: key, dialects: [.keras3], usual: .value(usual), follows: after, elsewhere: elsewhere)
  }

  /// An option of Keras 2 and `tf_keras`.
  static func keras2(
    _ key: String, _ usual: JSONValue, after: String? = nil,
    elsewhere: TranslationRule.Elsewhere = .lost
  ) -> Self {
    .init(
      key: key, dialects: [.keras2, .tfKeras], usual: .value(usual), follows: after,
      elsewhere: elsewhere)
  }

  /// Keras 2's memory of the shape that an input had when the layer was built.
  static func builtShape(_ key: String, ofInput index: Int) -> Self {
    .init(
      key: key, dialects: [.keras2, .tfKeras], usual: .shape(ofInput: index),
      elsewhere: .meaningless)
  }

  /// An option that not even `tf_keras` and Keras 2.12 share.
  static func later(
    _ key: String, _ usual: JSONValue, in dialects: Set<Dialect>, after: String? = nil,
    elsewhere: TranslationRule.Elsewhere = .lost
  ) -> Self {
    .init(
      key: key, dialects: dialects, usual: .value(usual), follows: after, elsewhere: elsewhere)
  }
}

extension Dialect {
  /// True for Keras 2 and `tf_keras`, which differ in little.
  var isKeras2Family: Bool { self != .keras3 }
}
