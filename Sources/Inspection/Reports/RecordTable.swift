import Checkpoints
public import KerasConfiguration

/// Facts of one kind, a row each, under named columns.
public struct RecordTable: Sendable, Hashable {
  public let columns: [String]
  public private(set) var rows: [[JSONValue]] = []

  public init(columns: [String]) { self.columns = columns }

  /// Adds a row. Traps unless it has a value for each column; one that is missing is null.
  public mutating func add(_ values: [JSONValue]) {
    precondition(values.count == columns.count, "a row of \(values.count) in \(columns)")
    rows.append(values)
  }

  /// Adds the values that an object has under the names of the columns; null for others.
  public mutating func add(_ object: JSONObject) {
    rows.append(columns.map { object[$0] ?? .null })
  }

  /// One JSON object a line, with the columns for keys.
  var ndjson: [String] {
    rows.map { row in JSONValue.object(JSONObject(Array(zip(columns, row)))).text }
  }

  /// RFC 4180: fields with commas, quotes or line breaks are quoted; missing ones are empty. A list
  /// is one field, its elements separated by spaces.
  var csv: [String] {
    ([columns] + rows.map { $0.map(\.plainText) }).map { fields in
      fields.map(Self.csvField).joined(separator: ",")
    }
  }

  private static func csvField(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }

  /// A table as GitHub renders it; columns of numbers are set flush right.
  var markdown: [String] {
    let rule = columns.indices.map { column in
      let values = rows.map { $0[column] }.filter { !$0.isNull }
      return !values.isEmpty && values.allSatisfy { $0.number != nil } ? "--:" : "---"
    }
    let cells = rows.map { row in row.map { Self.markdownCell($0.plainText) } }
    return ([columns, rule] + cells).map { "| " + $0.joined(separator: " | ") + " |" }
  }

  private static func markdownCell(_ text: String) -> String {
    // It is read on terminals, too, which would obey what a file has put into a name.
    let line = String(text.map { $0.isNewline ? " " : $0 }).withoutControlCharacters
    var cell = ""
    for character in line {
      if "\\|`*_<>[]".contains(character) { cell.append("\\") }
      cell.append(character)
    }
    return cell
  }
}

extension JSONValue {
  /// The value as a field of a table: text without quotes, nothing for null, a list's elements
  /// separated by spaces.
  var plainText: String {
    switch self {
    case .null: ""
    case .string(let text): text
    case .array(let elements): elements.map(\.plainText).joined(separator: " ")
    default: text
    }
  }
}
