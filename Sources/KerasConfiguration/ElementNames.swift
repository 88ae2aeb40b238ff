/// Keras's snake case of a class name, by which a v3 weights file calls its groups: `Conv2D` is
/// `conv2d`, `PReLU` is `p_re_lu`, `LSTM` is `lstm`.
///
/// An underscore goes before a capital that is followed by lower-case letters and preceded by
/// anything, then between a lower-case letter and a capital; Keras 2 and tf_keras put
/// `private` before a name that starts with an underscore.
public func snakeCase(_ className: String, in dialect: Dialect = .keras3) -> String {
  // As Python's regular expressions see it: scalar by scalar.
  let scalars = className.unicodeScalars.filter(isWord)
  func isLower(_ scalar: Unicode.Scalar) -> Bool { ("a"..."z").contains(scalar) }
  func isUpper(_ scalar: Unicode.Scalar) -> Bool { ("A"..."Z").contains(scalar) }
  var name = ""
  var last: Unicode.Scalar?
  for (index, scalar) in zip(scalars.indices, scalars) {
    if isUpper(scalar), let last {
      let next = scalars.index(after: index)
      let startsWord = next < scalars.endIndex && isLower(scalars[next])
      if startsWord || isLower(last) { name.append("_") }
    }
    name += scalar.properties.lowercaseMapping
    last = scalar
  }
  return name.hasPrefix("_") && dialect != .keras3 ? "private" + name : name
}

/// Whether Python's `\w` stands for it.
private func isWord(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
    .decimalNumber, .letterNumber, .otherNumber:
    return true
  default: return scalar == "_"
  }
}

/// Names the elements of one list in a v3 weights file: the snake-case class, numbered from the
/// second of its kind on.
public struct ElementNumbering: Sendable {
  private var counts: [String: Int] = [:]
  /// The names of classes met so far.
  private var bases: [String: String] = [:]
  private let countsWeightedTwice: Bool
  private let dialect: Dialect

  /// For a model's list of layers. Keras 2 counts there a layer that has variables twice, since its
  /// list names each such layer under two keys.
  public init(layersIn dialect: Dialect) {
    countsWeightedTwice = dialect == .keras2
    self.dialect = dialect
  }

  /// For any other list.
  init(countsWeightedTwice: Bool) {
    self.countsWeightedTwice = countsWeightedTwice
    dialect = .keras3
  }

  /// The name of the next element.
  public mutating func name(ofClass className: String, hasVariables: Bool) -> String {
    let base = bases[className] ?? snakeCase(className, in: dialect)
    bases[className] = base
    let count = counts[base, default: 0]
    counts[base] = count + (countsWeightedTwice && hasVariables ? 2 : 1)
    return count == 0 ? base : "\(base)_\(count)"
  }
}

extension Dialect {
  /// The group of a model's layers in a v3 weights file.
  public var layersGroup: String {
    self == .keras2 ? "_layer_checkpoint_dependencies" : "layers"
  }
}
