public import KerasConfiguration

/// What a command found, in the forms in which it can be printed.
public protocol Report {
  /// All of it as one object; `Schemas/` has a JSON Schema for each kind of report.
  var json: JSONValue { get }
  /// The facts that come in numbers (tensors, changes, checkpoints), a row each.
  var records: RecordTable { get }
  /// All of it for people, a line each.
  var text: [StyledText] { get }
}

/// The forms in which a report can be printed.
public enum ReportFormat: String, CaseIterable, Sendable {
  /// For people; in colour on terminals.
  case text
  /// One object, with everything.
  case json
  /// One object a line, for each of the report's records.
  case ndjson
  /// The records by RFC 4180, names of columns first.
  case csv
  /// The records as a table of GitHub-flavoured Markdown.
  case markdown
}

extension Report {
  /// The lines to print.
  ///
  /// - Parameter isColoured: whether text may hold the escape sequences that colour a terminal.
  public func lines(as format: ReportFormat, isColoured: Bool = false) -> [String] {
    switch format {
    case .text: text.map { $0.rendered(isColoured: isColoured) }
    case .json: [json.prettyText]
    case .ndjson: records.ndjson
    case .csv: records.csv
    case .markdown: records.markdown
    }
  }
}
