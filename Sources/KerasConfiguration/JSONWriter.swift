extension JSONValue {
  /// The text that Python's `json.dumps` writes by default: `", "` and `": "` between parts, every
  /// character outside printable ASCII as `\uXXXX`. A text written by Python comes back byte for
  /// byte.
  public var text: String {
    var writer = JSONWriter(indentation: nil)
    writer.write(self)
    return writer.finish()
  }

  /// The text over several lines, two spaces a level, as `json.dumps(value, indent=2)`.
  public var prettyText: String {
    var writer = JSONWriter(indentation: 2)
    writer.write(self)
    return writer.finish()
  }
}

private struct JSONWriter {
  let indentation: Int?
  var depth = 0
  var bytes: [UInt8] = []

  init(indentation: Int?) { self.indentation = indentation }

  consuming func finish() -> String { String(decoding: bytes, as: UTF8.self) }

  mutating func write(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .number(let number): append(number.text)
    case .string(let string): writeString(string)
    case .array(let elements):
      writeContainer("[", "]", count: elements.count) { writer, index in
        writer.write(elements[index])
      }
    case .object(let object):
      writeContainer("{", "}", count: object.pairs.count) { writer, index in
        writer.writeString(object.pairs[index].key)
        writer.append(": ")
        writer.write(object.pairs[index].value)
      }
    }
  }

  private mutating func writeContainer(
    _ open: String, _ close: String, count: Int, element: (inout JSONWriter, Int) -> Void
  ) {
    append(open)
    depth += 1
    for index in 0..<count {
      if indentation != nil {
        append(index == 0 ? "\n" : ",\n")
        indent()
      } else if index > 0 {
        append(", ")
      }
      element(&self, index)
    }
    depth -= 1
    if indentation != nil && count > 0 {
      append("\n")
      indent()
    }
    append(close)
  }

  private mutating func indent() {
    bytes.append(contentsOf: repeatElement(0x20, count: depth * (indentation ?? 0)))
  }

  private mutating func writeString(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    defer { bytes.append(UInt8(ascii: "\"")) }
    let isPlain = string.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    if isPlain { return append(string) }
    for unit in string.utf16 {
      switch unit {
      case 0x22: append("\\\"")
      case 0x5C: append("\\\\")
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0x0C: append("\\f")
      case 0x08: append("\\b")
      case 0x20..<0x7F: bytes.append(UInt8(unit))
      default:
        append("\\u")
        for shift in [12, 8, 4, 0] {
          let digit = UInt8(unit >> UInt16(shift) & 0xF)
          bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
      }
    }
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
