import Foundation
import KerasConfiguration

/// A JSON Schema of `Schemas/`, and whether a text keeps to it.
///
/// Knows the part of JSON Schema 2020-12 that these schemas use; another keyword in one is an error, so that
/// nothing that they say goes unchecked.
public struct JSONSchema {
  private let root: JSONValue

  public struct UnknownKeyword: Error { public let keyword: String }

  /// - Parameter name: of the file, without `.json`.
  public init(named name: String) throws {
    let text = try String(
      contentsOf: Self.folder.appendingPathComponent("\(name).json"), encoding: .utf8)
    root = try JSONValue(parsing: text)
  }

  /// The names of all schemas.
  public static func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
      $0.hasSuffix(".json")
    }.map { String($0.dropLast(".json".count)) }.sorted()
  }

  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Schemas")

  /// What is wrong with a JSON text, a line for each place; none when it keeps to the schema.
  public func problems(in text: String) throws -> [String] {
    var problems: [String] = []
    try check(try JSONValue(parsing: text), root, "$", &problems)
    return problems
  }

  private func check(
    _ value: JSONValue, _ schema: JSONValue, _ path: String, _ problems: inout [String]
  ) throws {
    // Python's NaN and Infinity, which the parser takes, are no JSON.
    if let number = value.double, !number.isFinite { problems.append("\(path): \(value.text)") }
    for pair in schema.object?.pairs ?? [] {
      try check(value, pair.key, pair.value, schema, path, &problems)
    }
  }

  private func check(
    _ value: JSONValue, _ keyword: String, _ argument: JSONValue, _ schema: JSONValue,
    _ path: String, _ problems: inout [String]
  ) throws {
    func expect(_ isRight: Bool, _ expected: String) {
      if !isRight { problems.append("\(path): expected \(expected), found \(value.text)") }
    }
    switch keyword {
    case "$schema", "$id", "$defs", "title", "description": break
    case "type":
      let types = argument.array?.compactMap(\.string) ?? [argument.string ?? ""]
      expect(types.contains { Self.isOfType(value, $0) }, types.joined(separator: " or "))
    case "const": expect(value == argument, argument.text)
    case "enum": expect(argument.array?.contains(value) == true, argument.text)
    case "minimum":
      if let number = value.double { expect(number >= argument.double!, ">= \(argument.text)") }
    case "maximum":
      if let number = value.double { expect(number <= argument.double!, "<= \(argument.text)") }
    case "pattern":
      if let text = value.string {
        expect(
          text.range(of: argument.string!, options: .regularExpression) != nil, argument.text)
      }
    case "required":
      guard let object = value.object else { return }
      for key in argument.array?.compactMap(\.string) ?? [] where object[key] == nil {
        problems.append("\(path): \(key) is missing")
      }
    case "properties":
      for pair in value.object?.pairs ?? [] {
        if let schema = argument[pair.key] {
          try check(pair.value, schema, "\(path).\(pair.key)", &problems)
        }
      }
    case "additionalProperties":
      for pair in value.object?.pairs ?? [] where schema["properties"]?[pair.key] == nil {
        if argument == false {
          problems.append("\(path): \(pair.key) is not in the schema")
        } else {
          try check(pair.value, argument, "\(path).\(pair.key)", &problems)
        }
      }
    case "items":
      for (index, element) in (value.array ?? []).enumerated() {
        try check(element, argument, "\(path)[\(index)]", &problems)
      }
    case "anyOf":
      var alternatives: [[String]] = []
      for schema in argument.array ?? [] {
        var problems: [String] = []
        try check(value, schema, path, &problems)
        if problems.isEmpty { return }
        alternatives.append(problems)
      }
      problems.append("\(path): fits no alternative: \(alternatives.joined())")
    case "$ref":
      let name = argument.string!.replacingOccurrences(of: "#/$defs/", with: "")
      try check(value, root["$defs"]![name]!, path, &problems)
    default: throw UnknownKeyword(keyword: keyword)
    }
  }

  private static func isOfType(_ value: JSONValue, _ type: String) -> Bool {
    switch (value, type) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"),
      (.array, "array"), (.object, "object"):
      true
    case (.number(let number), "integer"): number.int != nil
    default: false
    }
  }
}
