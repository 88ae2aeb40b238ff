/// Reads the keys of one object and remembers which, so that none is ignored silently.
struct ConfigurationReader {
  /// What is being read, for messages.
  let object: String
  private let values: JSONObject
  private var taken: Set<String> = []

  init(_ values: JSONObject, object: String) {
    self.values = values
    self.object = object
  }

  /// The value, nil when absent; the key counts as known from here on.
  mutating func value(_ key: String) -> JSONValue? {
    taken.insert(key)
    return values[key]
  }

  /// Throws for the first key that nobody asked for.
  func finish() throws(ConfigurationError) {
    if let stray = values.pairs.first(where: { !taken.contains($0.key) }) {
      throw .unknownKey(stray.key, object: object, value: stray.value)
    }
  }

  // MARK: Typed values; absent keys take the default

  mutating func double(
    _ key: String, default: Double? = nil
  ) throws(ConfigurationError) -> Double {
    try required(key, default: `default`, expected: "a number", \.double)
  }

  mutating func number(
    _ key: String, default: JSONNumber? = nil
  ) throws(ConfigurationError) -> JSONNumber {
    try required(key, default: `default`, expected: "a number", \.number)
  }

  mutating func int(_ key: String, default: Int? = nil) throws(ConfigurationError) -> Int {
    try required(key, default: `default`, expected: "an integer", \.int)
  }

  mutating func bool(_ key: String, default: Bool? = nil) throws(ConfigurationError) -> Bool {
    try required(key, default: `default`, expected: "true or false", \.bool)
  }

  /// A function by its name, alone or serialized.
  mutating func functionName(_ key: String) throws(ConfigurationError) -> String {
    try required(key, default: nil, expected: "a function", \.functionName)
  }

  mutating func string(_ key: String, default: String? = nil) throws(ConfigurationError) -> String {
    try required(key, default: `default`, expected: "a string", \.string)
  }

  /// A number may be spelled as a NumPy scalar, as in archives of Keras 2.
  mutating func optionalDouble(
    _ key: String, default: Double? = nil
  ) throws(ConfigurationError) -> Double? {
    try optional(key, default: `default`, expected: "a number or null", \.withoutWrapper.double)
  }

  mutating func optionalNumber(_ key: String) throws(ConfigurationError) -> JSONNumber? {
    try optional(key, expected: "a number or null", \.number)
  }

  mutating func optionalInt(
    _ key: String, default: Int? = nil
  ) throws(ConfigurationError) -> Int? {
    try optional(key, default: `default`, expected: "an integer or null", \.int)
  }

  mutating func optionalString(_ key: String) throws(ConfigurationError) -> String? {
    try optional(key, expected: "a string or null", \.string)
  }

  mutating func requireObject(_ key: String) throws(ConfigurationError) -> JSONObject {
    try required(key, default: nil, expected: "an object", \.object)
  }

  /// Throws unless the value is absent or one of `neutral`, those that change nothing.
  mutating func refuse(
    _ key: String, unless neutral: [JSONValue] = [.null], cure: String
  ) throws(ConfigurationError) {
    guard let value = value(key), !neutral.contains(value) else { return }
    throw .unsupported(key: key, object: object, value: value, cure: cure)
  }

  /// Throws that `key` does not hold what was expected.
  func unexpected(_ key: String, _ expected: String) -> ConfigurationError {
    guard let found = values[key] else { return .missingKey(key, object: object) }
    return .unexpectedValue(key: key, object: object, expected: expected, found: found)
  }

  private mutating func required<Value>(
    _ key: String, default: Value?, expected: String, _ convert: (JSONValue) -> Value?
  ) throws(ConfigurationError) -> Value {
    guard let found = value(key) else {
      guard let value = `default` else { throw .missingKey(key, object: object) }
      return value
    }
    guard let value = convert(found) else { throw unexpected(key, expected) }
    return value
  }

  private mutating func optional<Value>(
    _ key: String, default: Value? = nil, expected: String, _ convert: (JSONValue) -> Value?
  ) throws(ConfigurationError) -> Value? {
    guard let found = value(key) else { return `default` }
    guard !found.isNull else { return nil }
    guard let value = convert(found) else { throw unexpected(key, expected) }
    return value
  }
}

extension JSONValue {
  /// The name of one of Keras's functions, which stands alone, or, in a model that was loaded and saved
  /// again, in `{"class_name": "function", "config": NAME}`; nil for anything else.
  var functionName: String? {
    string ?? (self["class_name"] == "function" ? self["config"]?.string : nil)
  }
}

/// A serialized object of any dialect: `{"class_name": C, "config": {...}}`, with or without
/// `module`, `registered_name`, `build_config` and other companions.
struct SerializedObject {
  let className: String
  let configuration: JSONObject

  init(_ value: JSONValue, key: String, object: String) throws(ConfigurationError) {
    guard let fields = value.object else {
      throw .unexpectedValue(key: key, object: object, expected: "an object", found: value)
    }
    guard let className = fields["class_name"]?.string else {
      throw .unexpectedValue(
        key: key, object: object, expected: "an object with `class_name`", found: value)
    }
    self.className = className
    switch fields["config"] {
    case nil, .null?: configuration = JSONObject()
    case .object(let configuration)?: self.configuration = configuration
    case let other?:
      throw .unexpectedValue(
        key: "\(key).config", object: object, expected: "an object", found: other)
    }
  }
}
