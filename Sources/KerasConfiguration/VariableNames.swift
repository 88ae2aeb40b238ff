public import Tensors

extension VariableID {
  /// The label of a variable: the names of its layers from the outermost in, then its own name
  /// (`encoder/dense/kernel`), or `#` and its index where no schema knows a name (`layer/#0`).
  ///
  /// `/` inside a name is escaped, so that labels of two variables never agree by accident.
  public func canonicalName(_ ownName: String?) -> String {
    let last = ownName.map(LayerPath.escaped) ?? "#\(index)"
    return layer.names.isEmpty ? last : "\(layer)/\(last)"
  }
}

/// The label of a slot: `accumulator/encoder/dense/kernel`.
public func canonicalSlotName(_ slot: String, of variableName: String) -> String {
  "\(slot)/\(variableName)"
}

/// The variable's own name in the name of a weight of a whole-model file: the last part, without
/// `:0`. `kernel` for `dense/kernel:0` and for `sequential/dense/kernel`.
public func ownName(ofWeight weightName: String) -> String {
  var name = weightName[...]
  if let colon = name.lastIndex(of: ":"), name[name.index(after: colon)...].allSatisfy(\.isNumber) {
    name = name[..<colon]
  }
  return String(name.split(separator: "/", omittingEmptySubsequences: true).last ?? name)
}
