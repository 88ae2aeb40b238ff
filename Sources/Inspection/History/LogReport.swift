import Checkpoints

/// The checkpoints of a run, a line each: the report of `checkpoint-inspect log`.
public struct LogReport: Report, Sendable {
  let folder: String
  /// In the order of printing.
  let entries: [LogEntry]

  /// - Parameter entries: the oldest first.
  public init(folder: String, entries: [LogEntry], newestFirst: Bool = false) {
    self.folder = folder
    self.entries = newestFirst ? entries.reversed() : entries
  }

  public var text: [StyledText] {
    let columns = LogColumns(entries)
    var table = TextTable(rightAligned: columns.numeric)
    table.add(columns.titles)
    for entry in entries { table.add(columns.cells(of: entry)) }
    return table.lines + [summary]
  }

  private var summary: StyledText {
    let damaged = entries.count { $0.trouble != nil }
    let marked = entries.count { !$0.marks.isEmpty }
    var line = StyledText("\(entries.count) checkpoint\(entries.count == 1 ? "" : "s")")
    if marked > 0 { line += ", " + "\(marked) marked".styled(.warning) }
    if damaged > 0 { line += ", " + "\(damaged) cannot be read".styled(.bad) }
    return line
  }
}

/// The columns of a log for people.
struct LogColumns {
  private let hasValidation: Bool
  private let hasNumbers: Bool

  /// - Parameter entries: which decide whether there is a column for something.
  init(_ entries: [LogEntry]) {
    hasValidation = entries.contains { $0.content?.record.metrics["val_loss"] != nil }
    hasNumbers = entries.contains { $0.content?.numbers != nil }
  }

  init() { (hasValidation, hasNumbers) = (true, true) }

  /// Numbers, flush right: the step.
  var numeric: [Int] { [0] }

  var titles: [StyledText] {
    let titles =
      ["step", "saved (UTC)", "loss"] + (hasValidation ? ["val_loss"] : [])
      + (hasNumbers ? ["norm", "change", "largest"] : []) + ["remarks"]
    return titles.map { $0.styled(.heading) }
  }

  /// One of a checkpoint that cannot be read stands alone.
  func cells(of entry: LogEntry) -> [StyledText] {
    guard let content = entry.content else {
      return [
        entry.name.styled(.heading) + ": " + (entry.trouble ?? "").styled(.bad)
      ]
    }
    func number(_ value: Double?) -> StyledText {
      StyledText(value.map { Readable.number($0) } ?? "-")
    }
    var cells: [StyledText] = [
      StyledText(entry.step.map(String.init) ?? entry.name),
      (entry.time?.readable ?? "-").styled(.quiet), number(content.loss?.mean),
    ]
    if hasValidation { cells.append(number(content.record.metrics["val_loss"])) }
    if hasNumbers {
      cells.append(number(content.numbers?.weightNorm))
      cells.append(StyledText(content.change?.relative.map(Self.percent) ?? "-"))
      let largest = content.change.map { "\(Readable.number($0.largest)) \($0.largestName)" }
      cells.append(StyledText(largest ?? "-"))
    }
    cells.append(Self.remarks(of: content))
    return cells
  }

  private static func percent(_ fraction: Double) -> String {
    Readable.number((fraction * 1e4).rounded() / 100) + " %"
  }

  private static func remarks(of content: LogEntry.Content) -> StyledText {
    var remarks = StyledText()
    for mark in content.marks {
      if !remarks.isEmpty { remarks += ", " }
      switch mark {
      case .lossSpike:
        remarks += "loss spike: \(Readable.number(content.loss?.greatest ?? 0))".styled(.warning)
      case .changeSpike: remarks += "change spike".styled(.warning)
      case .lossNotFinite: remarks += "loss not finite".styled(.bad)
      case .notFinite:
        let numbers = content.numbers
        remarks +=
          "\(numbers?.nonFiniteCount ?? 0) not finite, first in \(numbers?.firstNonFinite ?? "")"
          .styled(.bad)
      case .unchanged: remarks += "weights unchanged".styled(.warning)
      }
    }
    return remarks
  }
}
