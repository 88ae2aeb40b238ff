public import Checkpoints
import KerasConfiguration

extension RestoreReport: Report {
  /// A row for each name, with what becomes of it.
  public var records: RecordTable {
    var table = RecordTable(columns: ["action", "name", "problem"])
    for name in restored { table.add(["restore", .string(name), .null]) }
    for mismatch in mismatched {
      table.add(["mismatch", .string(mismatch.name), .string("\(mismatch.problem)")])
    }
    for name in missing { table.add(["missing", .string("\(name)"), .null]) }
    for name in unused { table.add(["unused", .string("\(name)"), .null]) }
    return table
  }

  public var text: [StyledText] {
    func line(_ action: String, _ tone: Tone, _ words: String) -> StyledText {
      action.styled(tone) + StyledText(String(repeating: " ", count: 10 - action.count) + words)
    }
    return restored.map { line("restore", .good, $0) }
      + mismatched.map { line("mismatch", .bad, "\($0.name): \($0.problem)") }
      + missing.map { line("missing", .bad, "\($0)") }
      + unused.map { line("unused", .warning, "\($0)") }
      + notes.map { line("note", .warning, $0) }
  }
}
