import KerasConfiguration
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("every text that Keras wrote comes back byte for byte", arguments: KerasTexts.all)
  func roundTrip(texts: KerasTexts) throws {
    for name in texts.names where name != "python/strings" {
      #expect(try texts.json(name).text == texts[name], "\(name)")
    }
  }

  @Test("doubles are written as Python writes them")
  func pythonNumbers() throws {
    let texts = KerasTexts.keras2
    let numbers = try #require(try texts.json("python/numbers").array)
    let bits = try #require(try texts.json("python/bits").array)
    #expect(numbers.count == bits.count)
    for (number, bits) in zip(numbers, bits) {
      let pattern = try #require(bits.string.flatMap { UInt64($0, radix: 16) })
      let value = Double(bitPattern: pattern)
      #expect(JSONValue(value).text == number.text)
      let read = try #require(number.double)
      #expect(read.bitPattern == pattern || (read.isNaN && value.isNaN))
    }
  }

  @Test(
    "the exponent appears below 1e-4 and from 1e16 on",
    arguments: [
      (1e-7, "1e-07"), (0.001, "0.001"), (1e16, "1e+16"),
      (9_999_999_999_999_998, "9999999999999998.0"),
      (1.25e-5, "1.25e-05"), (0.00012, "0.00012"), (-2.5e300, "-2.5e+300"), (3, "3.0"),
      (123456.789, "123456.789"), (-0.0, "-0.0"),
    ])
  func exponents(value: Double, text: String) {
    #expect(JSONNumber(value).text == text)
  }

  @Test("numbers keep their text and tell integers from floats")
  func numberText() throws {
    let value = try JSONValue(parsing: "[1, 1.0, 1e5, -0, 123456789012345678901234567890, 1e999]")
    #expect(value.text == "[1, 1.0, 1e5, -0, 123456789012345678901234567890, 1e999]")
    let numbers = try #require(value.array).compactMap(\.number)
    #expect(numbers.map(\.int) == [1, nil, nil, 0, nil, nil])
    #expect(numbers.map(\.isInteger) == [true, false, false, true, true, false])
    #expect(numbers[4].double == 0x1.8ee90ff6c373ep+96)
    #expect(numbers[5].double == .infinity)
    #expect(try JSONValue(parsing: "-1e999").double == -.infinity)
    #expect(try JSONValue(parsing: "1e-999").double == 0)
  }

  @Test("escapes are read and written as Python does")
  func strings() throws {
    let text =
      #"{"escapes": "\"\\\b\f\n\r\t\u0000\u001f\u007f", "umlaut": "\u00e4\u20ac", "astral": "\ud83d\ude00"}"#
    let value = try JSONValue(parsing: text)
    #expect(value["escapes"]?.string == "\"\\\u{8}\u{C}\n\r\t\0\u{1F}\u{7F}")
    #expect(value["umlaut"]?.string == "ä€")
    #expect(value["astral"]?.string == "😀")
    #expect(value.text == text)
    #expect(try JSONValue(parsing: #""ä\/\u00E4""#).text == #""\u00e4/\u00e4""#)
  }

  @Test("keys keep their order, and of duplicate keys the last counts")
  func objects() throws {
    let text = #"{"b": 1, "a": 2, "b": {"c": []}, "": null}"#
    let value = try JSONValue(parsing: text)
    #expect(value.text == text)
    #expect(value.object?.keys == ["b", "a", "b", ""])
    #expect(value["b"] == ["c": []])
    var object = try #require(value.object)
    object["b"] = 3
    object["new"] = true
    object["a"] = nil
    #expect(JSONValue.object(object).text == #"{"b": 1, "b": 3, "": null, "new": true}"#)
  }

  @Test("the pretty form is that of json.dumps with indent 2")
  func pretty() throws {
    let value = try JSONValue(parsing: #"{"a":[],"b":{},"c":[1,{"d":null}]}"#)
    #expect(
      value.prettyText == """
        {
          "a": [],
          "b": {},
          "c": [
            1,
            {
              "d": null
            }
          ]
        }
        """)
  }

  @Test(
    "a text that is not JSON is refused with its place",
    arguments: [
      ("", 0, "a value", "the end of the text"),
      ("{\"a\": 1,}", 8, "a key in quotes", "`}`"),
      ("[1 2]", 3, "`,` or `]`", "`2`"),
      ("[1, 2", 5, "`,` or `]`", "the end of the text"),
      ("nul", 0, "`null`", "`n`"),
      ("01", 1, "the end of the text", "`1`"),
      ("-", 1, "a digit", "the end of the text"),
      ("1.", 2, "a digit", "the end of the text"),
      ("1e", 2, "a digit", "the end of the text"),
      ("+1", 0, "a value", "`+`"),
      ("\"\\x\"", 2, "one of `\"\\/bfnrtu` after `\\`", "`x`"),
      ("\"\\u12g4\"", 5, "four hexadecimal digits", "`g`"),
      ("\"\\ud800x\"", 1, "a surrogate escape followed by its partner", "`\\`"),
      ("\"\\udc00\"", 1, "a surrogate escape followed by its partner", "`\\`"),
      ("\"\\ud800\\u0041\"", 1, "a surrogate escape followed by its partner", "`\\`"),
      ("\"a\tb\"", 2, "no control character inside a string", "byte 0x09"),
      ("\"abc", 4, "the closing `\"` of a string", "the end of the text"),
      ("{\"a\" 1}", 5, "`:` after key \"a\"", "`1`"),
      ("{} {}", 3, "the end of the text", "`{`"),
      ("// no", 0, "a value", "`/`"),
    ])
  func refusals(text: String, offset: Int, expected: String, found: String) {
    #expect(
      throws: ConfigurationError.syntax(
        JSONSyntaxError(
          byteOffset: offset, line: 1, column: offset + 1, expected: expected, found: found))
    ) { try JSONValue(parsing: text) }
  }

  @Test("an error names line and column")
  func errorPlace() {
    let error = #expect(throws: ConfigurationError.self) {
      try JSONValue(parsing: "{\n  \"a\": [1,\n   x]}")
    }
    #expect(
      error?.description
        == "not JSON: line 3, column 4 (byte 16): expected a value, found `x`")
  }

  @Test("bytes that are no UTF-8 are refused at their place")
  func invalidUTF8() {
    for (bytes, offset) in [
      ([0x22, 0x61, 0xFF, 0x22] as [UInt8], 2), ([0x22, 0xC3, 0xA4, 0xC3, 0x22], 3),
      ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
    ] {
      let error = #expect(throws: ConfigurationError.self) { try JSONValue(parsing: bytes) }
      guard case .syntax(let syntax)? = error else { return }
      #expect(syntax.byteOffset == offset)
      #expect(syntax.expected == "valid UTF-8")
    }
  }

  @Test("nesting is accepted up to the limit and refused beyond it")
  func depth() throws {
    let limit = JSONValue.maximumDepth
    let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
    #expect(try JSONValue(parsing: deepest).text == deepest)
    let error = #expect(throws: ConfigurationError.self) {
      try JSONValue(parsing: String(repeating: "[", count: 1_000_000))
    }
    #expect(error?.description.contains("at most \(limit) levels") == true)
  }
}
