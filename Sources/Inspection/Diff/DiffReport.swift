public import Checkpoints
import Tensors

/// What differs between two checkpoints, and whether the second can descend from the first: the report of
/// `checkpoint-inspect diff`.
public struct DiffReport: Report, Sendable {
  public struct Options: Sendable {
    /// How far two numbers may lie apart and still count as equal.
    public var tolerance = Tolerance.exact
    public var filter = TensorFilter.all
    /// What is known about the training between the two.
    public var descent = DescentOptions()
    /// Whether the text has only what sums everything up.
    public var isBrief = false
    /// Whether the text tells in sentences what the descent was judged by.
    public var explains = false

    public init() {}
  }

  let diff: CheckpointDiff
  public let descent: Descent
  var options: Options

  /// Whether nothing differs.
  public var isEmpty: Bool { diff.isEmpty }

  /// Compares every selected tensor and every setting of two files; each tensor is read once, in blocks, by
  /// all processors. Memory is some megabytes for each of them, whatever the size of the tensors.
  ///
  /// - Throws: `refused` when a pattern matches nothing, what reading throws, and `unsupported` for elements
  ///   that are no numbers.
  public init(
    _ first: borrowing CheckpointReader, _ second: borrowing CheckpointReader,
    options: Options = Options()
  ) throws(CheckpointError) {
    try options.filter.requireNames(
      in: [first.manifest, second.manifest], to: "compare", path: first.path)
    var analysis = DescentAnalysis(first.manifest, second.manifest, options: options.descent)
    var comparisons: [(CheckpointDiff.Pair, TensorComparison)] = []
    let pairs = try CheckpointDiff.pairs(first, second)
    for group in VariablePairs.grouping(pairs.filter { options.filter.selects($0.before) }) {
      let scan = analysis.scan(group)
      let sources =
        try first.sources(of: group.pairs.map(\.before))
        + second.sources(of: group.pairs.map(\.after))
      let pieces = try TensorSource.mapBlocks(of: sources) { positions, tensors in
        group.piece(positions, tensors, scan, options.tolerance)
      }
      for (place, pair) in group.pairs.enumerated() {
        var comparison = TensorComparison()
        for piece in pieces { comparison.append(piece.comparisons[place]) }
        comparisons.append((pair, comparison))
      }
      analysis.add(group, scan, pieces.map(\.descent))
    }
    // What was not selected is not looked at: as good as equal, and then left out.
    let skipped = pairs.filter { !options.filter.selects($0.before) }
    var diff = CheckpointDiff(
      first.manifest, second.manifest,
      comparisons: comparisons + skipped.map { ($0, TensorComparison()) })
    diff.keep { options.filter.selects($0) }
    self.diff = diff
    self.options = options
    descent = analysis.descent()
  }
}

extension VariablePairs {
  /// What was found in a block.
  struct Piece: Sendable {
    var comparisons: [TensorComparison]
    var descent: DescentPiece
  }

  /// - Parameter tensors: of the first file in the order of ``pairs``, then of the second.
  func piece(
    _ positions: Range<Int>, _ tensors: [Tensor], _ scan: DescentScan?, _ tolerance: Tolerance
  ) -> Piece {
    func both(_ place: Int) -> (before: Tensor, after: Tensor) {
      (tensors[place], tensors[place + pairs.count])
    }
    var piece = Piece(comparisons: [], descent: DescentPiece())
    for place in pairs.indices {
      let (before, after) = both(place)
      var comparison = TensorComparison()
      comparison.add(before, after, tolerance: tolerance, at: positions.lowerBound)
      piece.comparisons.append(comparison)
    }
    if let scan, let weight, let accumulator {
      let block = DescentScan.Block(
        weight: both(weight), accumulator: both(accumulator), average: average.map(both))
      piece.descent = scan.scan(block, at: positions.lowerBound)
    }
    return piece
  }
}
