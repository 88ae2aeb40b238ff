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
        let empty = Heatmap(of: after.shape, edge: edge)
      else { continue }
      let maps = Locked((change: empty, values: empty))
      try TensorSource.withBlocks(
        of: first.sources(of: [before]) + second.sources(of: [after]), threadCount: 1
      ) { (blocks) throws(CheckpointError) in
        while let block = try blocks.next() {
          let position = block.positions.lowerBound
          maps.withLock { maps in
            maps.change.add(from: block.tensors[0], to: block.tensors[1], at: position)
            maps.values.add(block.tensors[1], at: position)
          }
        }
      }
      let measure = "mean of each cell"
      let (change, values) = maps.withLock { $0 }
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
