import CKernels

/// Counts, extremes and moments of some elements; those of two runs merge into those of both.
struct Moments: Sendable, Hashable {
  private(set) var count = 0
  private(set) var zeroCount = 0
  private(set) var nanCount = 0
  private(set) var infinityCount = 0
  /// Of the finite elements; infinity and minus infinity when there are none.
  private(set) var minimum = Double.infinity
  private(set) var maximum = -Double.infinity
  private(set) var mean = 0.0
  /// The sum of the squared distances from the mean.
  private(set) var squares = 0.0

  init() {}

  private init(_ summary: ck_summary, count: Int) {
    self.count = count
    zeroCount = summary.zero_count
    nanCount = summary.nan_count
    infinityCount = summary.infinity_count
    minimum = summary.minimum
    maximum = summary.maximum
    mean = finiteCount > 0 ? summary.sum / Double(finiteCount) : 0
    squares = summary.squares
  }

  init(_ block: ElementBlock) {
    var summary = ck_summary()
    switch block {
    case .single(let elements): ck_summarize_f32(elements.count, elements.baseAddress, &summary)
    case .double(let elements): ck_summarize_f64(elements.count, elements.baseAddress, &summary)
    }
    self.init(summary, count: block.count)
  }

  var finiteCount: Int { count - nanCount - infinityCount }

  /// Of the population: sqrt(mean((x - mean)^2)).
  var standardDeviation: Double { (squares / Double(finiteCount)).squareRoot() }

  /// Adds those of further elements. By T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a
  /// Pairwise Algorithm for Computing Sample Variances" (1979), so that a large mean costs no digits.
  mutating func merge(_ other: Moments) {
    let (a, b) = (Double(finiteCount), Double(other.finiteCount))
    count += other.count
    zeroCount += other.zeroCount
    nanCount += other.nanCount
    infinityCount += other.infinityCount
    guard b > 0 else { return }
    let distance = other.mean - mean
    squares += other.squares + distance * distance * (a * b / (a + b))
    mean = a > 0 ? mean + distance * (b / (a + b)) : other.mean
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }
}
