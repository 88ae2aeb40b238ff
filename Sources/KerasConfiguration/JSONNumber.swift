/// A JSON number as it was written.
public struct JSONNumber: Sendable, Hashable {
  /// The text: JSON's grammar, or Python's `NaN`, `Infinity`, `-Infinity`.
  public let text: String

  /// Trusts `text` to be a number; the parser's own way in.
  init(validated text: String) { self.text = text }

  /// As Python's `repr` writes a float: the shortest digits that give the value back, with an
  /// exponent below 1e-4 and from 1e16 on.
  public init(_ value: Double) { text = Self.pythonText(value) }

  public init(_ value: Int) { text = String(value) }

  /// The nearest double; infinite where the text exceeds the range, as in Python.
  public var double: Double {
    switch text {
    case "NaN": return .nan
    case "Infinity": return .infinity
    case "-Infinity": return -.infinity
    default: break
    }
    // The grammar was checked, so the only text that `Double` may reject is one out of range.
    if let value = Double(text) { return value }
    return text.hasPrefix("-") ? -.infinity : .infinity
  }

  /// The integer, or nil if the text has a fraction or an exponent or exceeds `Int`.
  public var int: Int? { Int(text) }

  /// True if the text has neither fraction nor exponent: what Python reads as an `int`.
  public var isInteger: Bool {
    text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }
  }
}

extension JSONNumber: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral {
  public init(integerLiteral value: Int) { self.init(value) }
  public init(floatLiteral value: Double) { self.init(value) }
}

extension JSONNumber: CustomStringConvertible {
  public var description: String { text }
}

// MARK: - Python's spelling

extension JSONNumber {
  private static func pythonText(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    let sign = value.sign == .minus ? "-" : ""
    if value == 0 { return sign + "0.0" }
    let (digits, exponent) = shortestDigits(of: value.magnitude)
    let scientificExponent = exponent - 1
    if scientificExponent < -4 || scientificExponent >= 16 {
      let fraction = digits.count > 1 ? "." + digits.dropFirst() : ""
      let magnitude = String(scientificExponent.magnitude)
      return sign + digits.prefix(1) + fraction + (scientificExponent < 0 ? "e-" : "e+")
        + (magnitude.count < 2 ? "0" : "") + magnitude
    }
    if exponent <= 0 {
      return sign + "0." + String(repeating: "0", count: -exponent) + digits
    }
    if digits.count <= exponent {
      return sign + digits + String(repeating: "0", count: exponent - digits.count) + ".0"
    }
    return sign + digits.prefix(exponent) + "." + digits.dropFirst(exponent)
  }

  /// The value as `0.digits` times ten to the power `exponent`, no zero at either end. Swift's
  /// description has the shortest digits; only their layout differs from Python's.
  private static func shortestDigits(of value: Double) -> (digits: String, exponent: Int) {
    var digits: [UInt8] = []
    var point: Int?
    var power = 0
    var text = value.description.utf8[...]
    if let mark = text.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
      // The power is always an integer: this is the standard library's own spelling.
      power = Int(String(Substring(text[text.index(after: mark)...])))!
      text = text[..<mark]
    }
    for byte in text {
      if byte == UInt8(ascii: ".") { point = digits.count } else { digits.append(byte) }
    }
    let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
    let exponent = (point ?? digits.count) - leading + power
    digits.removeFirst(leading)
    while digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return (String(decoding: digits, as: UTF8.self), exponent)
  }
}
