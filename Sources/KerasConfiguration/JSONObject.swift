/// Key-value pairs in their order of writing; a key may occur more than once.
public struct JSONObject: Sendable, Hashable {
  /// One key and its value.
  public struct Pair: Sendable, Hashable {
    /// The key, unescaped.
    public var key: String
    /// The value of this occurrence of the key.
    public var value: JSONValue

    public init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  public var pairs: [Pair]

  public init() { pairs = [] }

  public init(_ pairs: [Pair]) { self.pairs = pairs }

  public init(_ pairs: [(String, JSONValue)]) {
    self.pairs = pairs.map { Pair(key: $0.0, value: $0.1) }
  }

  public var keys: [String] { pairs.map(\.key) }

  /// Adds a pair at the end, whether or not the key is there already.
  public mutating func append(_ key: String, _ value: JSONValue) {
    pairs.append(Pair(key: key, value: value))
  }

  /// The value of a key. Of duplicates the last counts, as in Python. Setting replaces that last
  /// one in place, or appends; setting nil removes every pair of the key. O(number of pairs).
  public subscript(key: String) -> JSONValue? {
    get { pairs.last { $0.key == key }?.value }
    set {
      guard let newValue else {
        pairs.removeAll { $0.key == key }
        return
      }
      if let index = pairs.lastIndex(where: { $0.key == key }) {
        pairs[index].value = newValue
      } else {
        pairs.append(Pair(key: key, value: newValue))
      }
    }
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
