import KerasConfiguration

/// The name of an element of a list in a weights file: class name in snake case, numbered.
enum ElementName {
  /// `dense_2` is the class `dense` with number 2; `dense` has number 0.
  static func split(_ element: String) -> (className: String, number: Int) {
    let bytes = element.utf8
    guard let underscore = bytes.lastIndex(of: UInt8(ascii: "_")),
      let number = Int(element[bytes.index(after: underscore)...]), number > 0
    else { return (element, 0) }
    return (String(element[..<underscore]), number)
  }

  /// The name that Keras gives the layer unless told otherwise. Keras 2 counts layers with weights
  /// twice in this list.
  static func defaultName(_ className: String, _ number: Int, dialect: Dialect) -> String {
    let ordinal = dialect == .keras2 && number.isMultiple(of: 2) ? number / 2 : number
    return ordinal == 0 ? className : "\(className)_\(ordinal)"
  }
}
