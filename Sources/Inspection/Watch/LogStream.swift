/// A log whose lines are printed as they come.
///
/// As text, CSV, Markdown and lines of JSON each line stands for itself; one JSON object is complete only at
/// the end.
public struct LogStream: Sendable {
  private let folder: String
  private let format: ReportFormat
  private let isColoured: Bool
  private var entries: [LogEntry] = []
  private let columns = LogColumns.fixed

  public init(folder: String, format: ReportFormat, isColoured: Bool = false) {
    self.folder = folder
    self.format = format
    self.isColoured = isColoured
  }

  /// What stands above the first line.
  public var opening: [String] {
    let empty = RecordTable(columns: LogEntry.columns)
    return switch format {
    case .text: [columns.line(columns.titles).rendered(isColoured: isColoured)]
    case .csv: empty.csv
    case .markdown: empty.markdown
    case .json, .ndjson: []
    }
  }

  /// The lines of one more checkpoint.
  public mutating func lines(for entry: LogEntry) -> [String] {
    entries.append(entry)
    var table = RecordTable(columns: LogEntry.columns)
    table.add(entry.json)
    return switch format {
    case .text: [columns.line(columns.cells(of: entry)).rendered(isColoured: isColoured)]
    case .csv: Array(table.csv.dropFirst())
    case .markdown: Array(table.markdown.dropFirst(2))
    case .ndjson: table.ndjson
    case .json: []
    }
  }

  /// What stands below the last.
  public var closing: [String] {
    format == .json ? LogReport(folder: folder, entries: entries).lines(as: .json) : []
  }
}

extension LogColumns {
  /// All columns, whatever comes.
  static let fixed = LogColumns()

  /// Cells in columns wide enough for what is usual, since what comes later is not known.
  func line(_ cells: [StyledText]) -> StyledText {
    guard cells.count > 1 else { return cells.first ?? "" }
    var line = StyledText()
    var column = 0
    for (cell, width) in zip(cells, Self.widths) {
      guard !cell.isEmpty else { continue }
      let missing = max(0, (column > 0 ? column - line.width : 0))
      line += StyledText(String(repeating: " ", count: missing))
      if column == 0 {
        line += StyledText(String(repeating: " ", count: max(0, width - cell.width)))
      }
      line += cell
      column = max(line.width, column + width) + 2
    }
    return line
  }

  /// Of step, time, loss, loss of the validation, norm, change, largest change, remarks.
  private static let widths = [8, 19, 8, 8, 8, 8, 28, 0]
}
