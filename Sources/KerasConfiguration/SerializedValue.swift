extension JSONValue {
  /// The plain value that Keras's serialization spells as an object of a class of its own, where this is
  /// such an object; otherwise the value itself.
  ///
  /// Archives hold a scalar or an array of NumPy and a constant tensor as an object with the elements and
  /// their dtype, whole-model files hold the elements alone; whole-model files hold a tuple as an object,
  /// archives as a list. They mean the same. (`keras-team/keras` `saving/serialization_lib.py` and
  /// `saving/legacy/saved_model/json_utils.py` of 2.12, the former and `legacy/saving/json_utils.py` of 3.15.)
  public var withoutWrapper: JSONValue {
    guard let className = self["class_name"]?.string else { return self }
    switch className {
    case "__numpy__", "__tensor__": return self["config"]?["value"] ?? self
    case "__tuple__": return self["items"]?.array.map { .array($0) } ?? self
    case "__bytes__": return self["config"]?["value"] ?? self["value"] ?? self
    default: return self
    }
  }
}
