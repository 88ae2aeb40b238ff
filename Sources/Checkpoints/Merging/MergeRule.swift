import Tensors

/// What merging means for a tensor.
enum MergeRule: Hashable {
  /// Unit by unit: what one side changed is taken from there, what both changed is for the strategy. Of
  /// running means the sum of changes means nothing (a mean of squares could become negative).
  case units(rowWise: Bool, isRunningMean: Bool)
  /// base + (ours - base) + (theirs - base), element by element, whatever the strategy: sums that only
  /// grow, such as Adagrad's of squared gradients, have seen the gradients of both sides.
  case growth(rowWise: Bool)
  /// As growth, of an integer.
  case counter
  /// One number that somebody chose.
  case setting
  /// Stays as ours has it: the state of metrics, and what is not known.
  case kept

  init(_ entry: CheckpointEntry, _ options: MergeOptions) {
    switch entry.role {
    case .weight:
      let name = entry.name
      let isMovingStatistic =
        name.hasSuffix("/moving_mean") || name.hasSuffix("/moving_variance")
      self = .units(
        rowWise: Self.isRowWise(name, entry.shape, options), isRunningMean: isMovingStatistic)
    case .slot(let slot, _, let ownerName):
      let rowWise = Self.isRowWise(ownerName, entry.shape, options)
      if slot == "accumulator" {
        self = .growth(rowWise: rowWise)
      } else {
        // An average of weights is linear in them: the sum of changes is the average of the summed run.
        self = .units(rowWise: rowWise, isRunningMean: slot != "average")
      }
    case .untied: self = .units(rowWise: false, isRunningMean: true)
    case .iteration: self = .counter
    case .learningRate, .lossScale: self = .setting
    case .other: self = .kept
    }
  }

  /// A row of a table is trained by itself; the elements of a kernel are not.
  private static func isRowWise(_ name: String, _ shape: Shape, _ options: MergeOptions) -> Bool {
    shape.rank >= 2
      && (name.hasSuffix("/embeddings") || options.rowWise.contains { $0.matches(name) })
  }

  var isRowWise: Bool {
    switch self {
    case .units(let rowWise, _), .growth(let rowWise): rowWise
    case .counter, .setting, .kept: false
    }
  }
}
