/// A JSON value that keeps what its text said: the order of keys, duplicate keys, and numbers as
/// they were written.
///
/// `NaN`, `Infinity` and `-Infinity` are numbers, since Python writes them. Equality compares what
/// was written: `1` and `1.0` differ, and so do two orders of the same keys.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

// MARK: - Access

extension JSONValue {
  /// True for `null`.
  public var isNull: Bool { self == .null }

  /// The boolean, or nil if this is something else.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The number, or nil if this is something else.
  public var number: JSONNumber? {
    if case .number(let value) = self { value } else { nil }
  }

  /// The number as a double, or nil if this is not a number.
  public var double: Double? { number?.double }

  /// The integer, or nil if this is not a number, has a fraction or exponent, or exceeds `Int`.
  public var int: Int? { number?.int }

  /// The string, or nil if this is something else.
  public var string: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The elements, or nil if this is not an array.
  public var array: [JSONValue]? {
    if case .array(let value) = self { value } else { nil }
  }

  /// The pairs, or nil if this is not an object.
  public var object: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  /// The value of `key`, or nil if this is not an object or has no such key. Of duplicate keys the
  /// last counts, as in Python.
  public subscript(key: String) -> JSONValue? { object?[key] }
}

// MARK: - Making values

extension JSONValue {
  public init(_ value: Double) { self = .number(JSONNumber(value)) }
  public init(_ value: Int) { self = .number(JSONNumber(value)) }
  /// The number, or `null` for nil.
  public init(_ value: Double?) { self = value.map { .init($0) } ?? .null }
  /// The number, or `null` for nil.
  public init(_ value: Int?) { self = value.map { .init($0) } ?? .null }
  /// The string, or `null` for nil.
  public init(_ value: String?) { self = value.map { .string($0) } ?? .null }
}

extension JSONValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(floatLiteral value: Double) { self.init(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}

extension JSONValue: CustomStringConvertible {
  /// ``text``.
  public var description: String { text }
}
