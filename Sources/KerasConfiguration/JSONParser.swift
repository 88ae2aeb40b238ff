extension JSONValue {
  /// Nesting beyond this is refused, so that a hostile text cannot exhaust the stack.
  public static let maximumDepth = 512

  /// Parses `text`. Strict: one value, nothing after it, no comments or trailing commas.
  ///
  /// Beyond RFC 8259 it accepts what Python writes: `NaN`, `Infinity`, `-Infinity`. A `\u` escape
  /// of a surrogate without its partner is refused: no UTF-8 text, and so no name in an HDF5 file,
  /// can hold it. O(bytes). Throws ``ConfigurationError/syntax(_:)``.
  public init(parsing text: String) throws(ConfigurationError) {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(ConfigurationError) in
        try JSONValue(parsing: UnsafeRawBufferPointer(bytes))
      }
    }
    self = try result.get()
  }

  /// Parses UTF-8 bytes; see ``init(parsing:)-(String)``.
  public init(parsing bytes: [UInt8]) throws(ConfigurationError) {
    let result = bytes.withUnsafeBytes { bytes in
      Result { () throws(ConfigurationError) in try JSONValue(parsing: bytes) }
    }
    self = try result.get()
  }

  /// Parses UTF-8 bytes; see ``init(parsing:)-(String)``.
  public init(parsing bytes: UnsafeRawBufferPointer) throws(ConfigurationError) {
    var parser = JSONParser(bytes: bytes.bindMemory(to: UInt8.self))
    self = try parser.document()
  }
}

/// A recursive-descent parser over UTF-8 bytes.
private struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0
  var depth = 0

  init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  mutating func document() throws(ConfigurationError) -> JSONValue {
    skipSpace()
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw failure("the end of the text") }
    return value
  }

  private mutating func value() throws(ConfigurationError) -> JSONValue {
    switch next {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["): return .array(try array())
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "N"): return try word("NaN", .number(JSONNumber(validated: "NaN")))
    case UInt8(ascii: "I"): return try word("Infinity", .number(JSONNumber(validated: "Infinity")))
    case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
      return .number(try number())
    default: throw failure("a value")
    }
  }

  // MARK: Containers

  private mutating func object() throws(ConfigurationError) -> JSONObject {
    try enter()
    var pairs: [JSONObject.Pair] = []
    if try !isEmptyContainer(closing: UInt8(ascii: "}")) {
      repeat {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw failure("a key in quotes") }
        let key = try string()
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw failure("`:` after key \"\(key)\"") }
        position += 1
        skipSpace()
        // Objects of Keras have four pairs and more: room is not made for one first.
        if pairs.isEmpty { pairs.reserveCapacity(5) }
        pairs.append(.init(key: key, value: try value()))
      } while try hasMore(closing: UInt8(ascii: "}"), "`,` or `}`")
    }
    depth -= 1
    return JSONObject(pairs)
  }

  private mutating func array() throws(ConfigurationError) -> [JSONValue] {
    try enter()
    var array: [JSONValue] = []
    if try !isEmptyContainer(closing: UInt8(ascii: "]")) {
      repeat {
        skipSpace()
        array.append(try value())
      } while try hasMore(closing: UInt8(ascii: "]"), "`,` or `]`")
    }
    depth -= 1
    return array
  }

  private mutating func enter() throws(ConfigurationError) {
    guard depth < JSONValue.maximumDepth else {
      throw failure("at most \(JSONValue.maximumDepth) levels of nesting")
    }
    depth += 1
    position += 1
  }

  private mutating func isEmptyContainer(closing: UInt8) throws(ConfigurationError) -> Bool {
    skipSpace()
    guard next == closing else { return false }
    position += 1
    return true
  }

  /// Consumes `,` (true) or the closing bracket (false).
  private mutating func hasMore(
    closing: UInt8, _ expected: String
  ) throws(ConfigurationError) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: ",") || next == closing else { throw failure(expected) }
    let more = next == UInt8(ascii: ",")
    position += 1
    return more
  }

  // MARK: Words and numbers

  private mutating func word(
    _ text: StaticString, _ value: JSONValue
  ) throws(ConfigurationError) -> JSONValue {
    let end = position + text.utf8CodeUnitCount
    let matches =
      end <= bytes.count
      && (0..<text.utf8CodeUnitCount).allSatisfy { text.utf8Start[$0] == bytes[position + $0] }
    guard matches else { throw failure("`\(text)`") }
    position = end
    return value
  }

  private mutating func number() throws(ConfigurationError) -> JSONNumber {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "I") {
      _ = try word("Infinity", .null)
      return JSONNumber(validated: "-Infinity")
    }
    if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if let mark = next, mark | 0x20 == UInt8(ascii: "e") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    return JSONNumber(validated: String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func digits() throws(ConfigurationError) {
    let start = position
    while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    guard position > start else { throw failure("a digit") }
  }

  // MARK: Strings

  private mutating func string() throws(ConfigurationError) -> String {
    position += 1
    var start = position
    var unescaped = ""
    while true {
      guard let byte = next else { throw failure("the closing `\"` of a string") }
      switch byte {
      case UInt8(ascii: "\""):
        let tail = try text(start..<position)
        position += 1
        return unescaped.isEmpty ? tail : unescaped + tail
      case UInt8(ascii: "\\"):
        unescaped += try text(start..<position)
        position += 1
        unescaped.unicodeScalars.append(try escape())
        start = position
      case 0..<0x20:
        throw failure("no control character inside a string")
      default:
        position += 1
      }
    }
  }

  private func text(_ range: Range<Int>) throws(ConfigurationError) -> String {
    let bytes = UnsafeBufferPointer(rebasing: bytes[range])
    // Nearly all texts are ASCII, and short, and need no proof.
    if bytes.allSatisfy({ $0 < 0x80 }) { return String(decoding: bytes, as: UTF8.self) }
    return try validatedText(range)
  }

  private func validatedText(_ range: Range<Int>) throws(ConfigurationError) -> String {
    guard let text = String(validating: bytes[range], as: UTF8.self) else {
      var valid = range.lowerBound
      var decoder = UTF8()
      var iterator = bytes[range].makeIterator()
      while case .scalarValue(let scalar) = decoder.decode(&iterator) {
        valid += UTF8.width(scalar)
      }
      throw failure("valid UTF-8", at: valid)
    }
    return text
  }

  private mutating func escape() throws(ConfigurationError) -> Unicode.Scalar {
    let escapeStart = position - 1
    guard let byte = next else { throw failure("an escape after `\\`") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape(from: escapeStart)
    default:
      throw failure("one of `\"\\/bfnrtu` after `\\`", at: position - 1)
    }
  }

  private mutating func unicodeEscape(from start: Int) throws(ConfigurationError) -> Unicode.Scalar
  {
    let unit = try hexadecimalUnit()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    let unpaired = "a surrogate escape followed by its partner"
    guard unit < 0xDC00, next == UInt8(ascii: "\\"), position + 1 < bytes.count,
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure(unpaired, at: start) }
    position += 2
    let low = try hexadecimalUnit()
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw failure(unpaired, at: start) }
    return scalar
  }

  private mutating func hexadecimalUnit() throws(ConfigurationError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }

  // MARK: Space and errors

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private func failure(_ expected: String, at place: Int? = nil) -> ConfigurationError {
    let offset = place ?? position
    let before = bytes[..<min(offset, bytes.count)]
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let line = 1 + before.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    return .syntax(
      JSONSyntaxError(
        byteOffset: offset, line: line, column: offset - lineStart + 1, expected: expected,
        found: found(at: offset)))
  }

  private func found(at offset: Int) -> String {
    guard offset < bytes.count else { return "the end of the text" }
    let byte = bytes[offset]
    if (0x20..<0x7F).contains(byte) { return "`\(Character(Unicode.Scalar(byte)))`" }
    return "byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
