public import Checkpoints
import KerasConfiguration
import Tensors

extension HTMLPage {
  /// Cells of all heatmaps of a page together: a byte each, 4/3 of one in base64, so that the page of a
  /// large model stays below 2 MB.
  static let cellLimit = 800_000

  /// Along either side of a heatmap.
  static func edge(forPictures count: Int) -> Int {
    min(64, max(4, Int((Double(cellLimit) / Double(max(1, count))).squareRoot())))
  }

  /// The page of what is in a checkpoint, with a heatmap of each tensor.
  ///
  /// - Throws: what reading a tensor throws.
  public init(
    _ report: ShowReport, reading reader: borrowing CheckpointReader
  ) throws(CheckpointError) {
    var pictures = JSONObject()
    let edge = Self.edge(forPictures: report.items.count)
    for item in report.items where item.entry.dtype != nil {
      guard let empty = Heatmap(of: item.entry.shape, edge: edge) else { continue }
      let map = Locked(empty)
      try TensorSource.withBlocks(of: reader.sources(of: [item.entry]), threadCount: 1) {
        (blocks) throws(CheckpointError) in
        while let block = try blocks.next() {
          map.withLock { $0.add(block.tensors[0], at: block.positions.lowerBound) }
        }
      }
      let picture = map.withLock { $0.json(title: "values", measure: "mean of each cell") }
      pictures.append(item.entry.name, [picture])
    }
    self.init(
      kind: "show", title: report.path, facts: report.heading, report: report.json,
      pictures: pictures)
  }
}

extension Report {
  /// The lines of the text up to the first empty one.
  var heading: [String] {
    text.prefix { !$0.isEmpty }.map { $0.rendered(isColoured: false) }
  }
}
