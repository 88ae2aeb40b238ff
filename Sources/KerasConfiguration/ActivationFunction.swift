/// An activation function, by Keras's name; each means the same in Keras 2 and 3.
///
/// `hard_sigmoid` is missing on purpose: Keras 2 computes `0.2x + 0.5` and Keras 3 `x / 6 + 0.5`.
public enum ActivationFunction: String, Sendable, Hashable, CaseIterable {
  case linear, relu, sigmoid, tanh, softmax
  case elu, selu, softplus, softsign, gelu, exponential
  /// `x * sigmoid(x)`; Keras 2 calls it `swish`.
  case silu

  /// From either generation's name, alone or as a serialized function; nil for an unknown one.
  /// `null` is `linear`, as for Keras.
  init?(json: JSONValue) {
    switch json {
    case .null: self = .linear
    case .string(let name): self.init(kerasName: name)
    case .object(let object):
      guard object["class_name"]?.string == "function", let name = object["config"]?.string else {
        return nil
      }
      self.init(kerasName: name)
    default: return nil
    }
  }

  /// From either generation's name.
  public init?(kerasName: String) {
    self.init(rawValue: kerasName == "swish" ? "silu" : kerasName)
  }

  /// The name that `dialect` writes and knows.
  public func kerasName(in dialect: Dialect) -> String {
    self == .silu && dialect != .keras3 ? "swish" : rawValue
  }
}

extension ConfigurationReader {
  mutating func activation(_ key: String) throws(ConfigurationError) -> ActivationFunction {
    guard let found = value(key) else { return .linear }
    if let function = ActivationFunction(json: found) { return function }
    let known = ActivationFunction.allCases.map(\.rawValue).joined(separator: ", ")
    throw .unsupported(key: key, object: object, value: found, cure: "use one of \(known)")
  }
}
