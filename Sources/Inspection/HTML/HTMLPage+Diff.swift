public import Checkpoints
import KerasConfiguration
import Tensors

extension HTMLPage {
  /// The page of what differs between two checkpoints: of each tensor that changed a heatmap of its change
  /// and one of what it became.
  ///
  /// - Parameters: the checkpoints that the report compares.
  /// - Throws: what reading a tensor throws.
  public init(
    _ report: DiffReport, reading first: borrowing CheckpointReader,
    _ second: borrowing CheckpointReader
  ) throws(CheckpointError) {
    let changed = report.diff.items.filter {
      if case .changed = $0.outcome { true } else { false }
    }
    let edge = Self.edge(forPictures: 2 * changed.count)
    var pictures = JSONObject()
    for item in changed {
      guard let before = item.before, let after = item.after,
        var change = Heatmap(of: after.shape, edge: edge),
        var values = Heatmap(of: after.shape, edge: edge)
      else { continue }
      for rows in after.slabs(ofAtMost: 4 << 20) {
        let tensors = (try first.read(before, rows: rows), try second.read(after, rows: rows))
        change.add(from: tensors.0, to: tensors.1, startingAt: rows.lowerBound)
        values.add(tensors.1, startingAt: rows.lowerBound)
      }
      let measure = "mean of each cell"
      pictures.append(
        item.name,
        [
          change.json(title: "change", measure: measure),
          values.json(title: "values in the second", measure: measure),
        ])
    }
    self.init(
      kind: "diff", title: "\(first.path) → \(second.path)", facts: report.conclusion,
      report: report.json, pictures: pictures)
  }
}

extension DiffReport {
  /// The lines that sum up: the verdict on the descent, and how much differs.
  fileprivate var conclusion: [String] {
    var report = self
    report.options.isBrief = true
    return report.text.map { $0.rendered(isColoured: false) }
  }
}
