import KerasConfiguration

extension HTMLPage {
  /// The page of a run: curves over its steps, and a row for each checkpoint.
  public init(_ report: LogReport) {
    self.init(
      kind: "log", title: report.folder, facts: [], report: report.json, records: report.records)
  }
}
