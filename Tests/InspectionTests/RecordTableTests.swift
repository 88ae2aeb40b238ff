import KerasConfiguration
import Testing

@testable import Inspection

@Suite("Records")
struct RecordTableTests {
  private func table() -> RecordTable {
    var table = RecordTable(columns: ["name", "shape", "mean"])
    table.add(["a,\"b\"", [2, 3], 0.5])
    table.add(["x|y", [], .null])
    return table
  }

  @Test("as lines of JSON keep types and missing values")
  func ndjson() {
    #expect(
      table().ndjson == [
        #"{"name": "a,\"b\"", "shape": [2, 3], "mean": 0.5}"#,
        #"{"name": "x|y", "shape": [], "mean": null}"#,
      ])
  }

  @Test("as CSV quote what RFC 4180 wants quoted")
  func csv() {
    #expect(table().csv == ["name,shape,mean", #""a,""b""",2 3,0.5"#, "x|y,,"])
  }

  @Test("as Markdown escape what would end a cell, numbers flush right")
  func markdown() {
    #expect(
      table().markdown == [
        "| name | shape | mean |", "| --- | --- | --: |", #"| a,"b" | 2 3 | 0.5 |"#,
        #"| x\|y |  |  |"#,
      ])
  }
}

@Suite("Styled text")
struct StyledTextTests {
  @Test("is coloured only when asked, and shows control characters of names")
  func rendering() {
    let text = "bad\u{1B}[2J".styled(.bad) + " and good"
    #expect(text.rendered(isColoured: false) == #"bad\u{1B}[2J and good"#)
    #expect(text.rendered(isColoured: true) == "\u{1B}[31mbad\\u{1B}[2J\u{1B}[0m and good")
  }

  @Test("in tables is padded to the width that is seen")
  func columns() {
    var table = TextTable(rightAligned: [1])
    table.add(["one".styled(.good), "1", "x"])
    table.add(["a title that is long"])
    table.add(["three", "100", ""])
    #expect(
      table.lines.map { $0.rendered(isColoured: false) } == [
        "one      1  x", "a title that is long", "three  100",
      ])
  }
}
