/// Why a configuration could not be read or written.
///
/// `object` names what was being read, such as "layer `dense`" or "optimizer `Adagrad`".
public enum ConfigurationError: Error, Sendable, Hashable {
  /// The text is not JSON.
  case syntax(JSONSyntaxError)
  /// A key without default is absent.
  case missingKey(String, object: String)
  /// A key that neither Keras nor Cairn knows here. Keras refuses such a configuration too.
  case unknownKey(String, object: String, value: JSONValue)
  /// A value of the wrong type, or outside the values that Keras accepts.
  case unexpectedValue(key: String, object: String, expected: String, found: JSONValue)
  /// A value that Keras honours and Cairn does not; `cure` says what to do instead.
  case unsupported(key: String, object: String, value: JSONValue, cure: String)
  /// A class that this operation does not know; `known` lists those that it does.
  case unknownClass(String, object: String, known: [String])
  /// A value that the dialect to be written has no place for.
  case notExpressible(key: String, object: String, dialect: Dialect, cure: String)
}

extension ConfigurationError: CustomStringConvertible {
  /// One line: what, where, expected, found, and the cure if there is one.
  public var description: String {
    switch self {
    case .syntax(let error):
      error.description
    case .missingKey(let key, let object):
      "\(object): `\(key)` is missing"
    case .unknownKey(let key, let object, let value):
      "\(object): unknown key `\(key)` (value \(value.excerpt))"
    case .unexpectedValue(let key, let object, let expected, let found):
      "\(object): `\(key)` must be \(expected), found \(found.excerpt)"
    case .unsupported(let key, let object, let value, let cure):
      "\(object): `\(key)` = \(value.excerpt) is not supported; \(cure)"
    case .unknownClass(let name, let object, let known):
      "\(object): class `\(name)` is not supported; known: \(known.joined(separator: ", "))"
    case .notExpressible(let key, let object, let dialect, let cure):
      "\(object): `\(key)` cannot be written for \(dialect); \(cure)"
    }
  }
}

/// Where and why a text stopped being JSON.
public struct JSONSyntaxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Bytes before the error, from the start of the text.
  public let byteOffset: Int
  /// The line of the error, counted from 1.
  public let line: Int
  /// The byte of the error inside its line, counted from 1.
  public let column: Int
  /// What the grammar allows here.
  public let expected: String
  /// What stands here instead.
  public let found: String

  public init(byteOffset: Int, line: Int, column: Int, expected: String, found: String) {
    self.byteOffset = byteOffset
    self.line = line
    self.column = column
    self.expected = expected
    self.found = found
  }

  public var description: String {
    "not JSON: line \(line), column \(column) (byte \(byteOffset)): expected \(expected), "
      + "found \(found)"
  }
}

extension JSONValue {
  /// The text, cut to what fits into a message.
  var excerpt: String {
    let text = text
    return text.utf8.count <= 120 ? text : "\(text.prefix(117))..."
  }
}
