/// Lines whose columns are padded to equal width; the last is not padded.
public struct TextTable {
  private var rows: [[StyledText]] = []
  private let rightAligned: [Int]

  /// - Parameter rightAligned: the columns, counted from 0, that are set flush right, as numbers are.
  public init(rightAligned: [Int] = []) { self.rightAligned = rightAligned }

  public mutating func add(_ cells: [StyledText]) { rows.append(cells) }

  /// The lines, two spaces between columns. A row of a single cell stands alone: it widens no column.
  public var lines: [StyledText] {
    var widths: [Int] = []
    for row in rows where row.count > 1 {
      for (column, cell) in row.enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.width)
      }
    }
    return rows.map { row in
      guard row.count > 1 else { return row.first ?? "" }
      var line = StyledText()
      var padding = 0
      // Padding is added only before what follows, so that no line ends in spaces.
      for (column, cell) in row.enumerated() {
        let missing = widths[column] - cell.width
        let isRight = rightAligned.contains(column)
        if !cell.isEmpty {
          line += StyledText(String(repeating: " ", count: padding + (isRight ? missing : 0)))
          line += cell
          padding = isRight ? 2 : missing + 2
        } else {
          padding += widths[column] + 2
        }
      }
      return line
    }
  }
}
