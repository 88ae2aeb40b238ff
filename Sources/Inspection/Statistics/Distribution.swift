/// How the finite elements of a tensor are spread.
public struct Distribution: Sendable, Hashable {
  /// The shares of the elements for which ``quantiles`` tell what they lie below.
  public static let shares = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]

  /// By ``shares``, interpolated linearly between the two nearest elements, as NumPy does.
  ///
  /// The elements are exact for dtypes of at most 16 bits and for float32; for others, in tensors of more
  /// than 4096 elements, they are at most one part in 2^23 too small.
  public let quantiles: [Double]
  public let histogram: Histogram

  /// The quantile of one of ``shares``; traps on any other.
  public func quantile(_ share: Double) -> Double {
    quantiles[Self.shares.firstIndex(of: share)!]
  }

  /// The place of a quantile among `count` elements in ascending order: between the one at `rank` and the
  /// next, `fraction` of the way.
  private static func place(of share: Double, _ count: Int) -> (rank: Int, fraction: Double) {
    let position = share * Double(count - 1)
    let rank = Int(position)
    return (rank, position - Double(rank))
  }

  /// The places of all elements that the quantiles lie between.
  static func ranks(_ count: Int) -> [Int] {
    shares.flatMap { share in
      let rank = place(of: share, count).rank
      return [rank, min(rank + 1, count - 1)]
    }
  }

  init(of moments: Moments, edges: [Double], _ order: OrderStatistics) {
    let count = moments.finiteCount
    func element(_ rank: Int) -> Double {
      min(max(order.element(rank), moments.minimum), moments.maximum)
    }
    quantiles = Self.shares.map { share in
      let (rank, fraction) = Self.place(of: share, count)
      let (a, b) = (element(rank), element(min(rank + 1, count - 1)))
      if a == b { return a }
      return fraction < 0.5 ? a + (b - a) * fraction : b - (b - a) * (1 - fraction)
    }
    histogram = Histogram(edges: edges, count: count, order)
  }

  /// The distribution of elements that are all the same.
  init(count: Int, of value: Double) {
    quantiles = Self.shares.map { _ in value }
    histogram = Histogram(edges: [value, value], counts: [count])
  }
}

/// How many elements lie between which edges.
public struct Histogram: Sendable, Hashable {
  /// One more than ``counts``, ascending: the smallest element, those between the bins, the largest.
  public let edges: [Double]
  /// Elements of each bin: from its edge up to, but not including, the next; the last includes it.
  public let counts: [Int]

  /// Into how many bins of equal width the range of a tensor is divided; one when all elements are equal.
  public static let binCount = 16

  init(edges: [Double], counts: [Int]) {
    self.edges = edges
    self.counts = counts
  }

  fileprivate init(edges: [Double], count: Int, _ order: OrderStatistics) {
    let below = [0] + edges.dropFirst().dropLast().map { order.count(below: $0) } + [count]
    self.init(edges: edges, counts: zip(below, below.dropFirst()).map { $1 - $0 })
  }

  /// Edges of bins of equal width; moved to the next number that the elements' width can tell from its
  /// neighbours, so that every element lies clearly on one side.
  static func edges(from minimum: Double, to maximum: Double, _ width: ElementWidth) -> [Double] {
    let inner = (1..<binCount).map { index in
      let share = Double(index) / Double(binCount)
      let edge = minimum * (1 - share) + maximum * share
      return min(max(ElementKey(edge, width).value(width), minimum), maximum)
    }
    return [minimum] + inner + [maximum]
  }
}
