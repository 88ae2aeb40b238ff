/// What the elements of a tensor are like; computed in double.
///
/// Of 64-bit integers beyond 2^53 the nearest double is taken. The numbers are the same whatever the number
/// of threads and the processor.
public struct TensorStatistics: Sendable, Hashable {
  public let count: Int
  /// 0 and -0.
  public let zeroCount: Int
  public let nanCount: Int
  public let infinityCount: Int
  /// Over the finite elements, as all that follows; nil when there are none.
  public let minimum: Double?
  public let maximum: Double?
  /// Nil also where it exceeds the range of double, as it may for a float64 tensor.
  public let mean: Double?
  /// Of the population: sqrt(mean((x - mean)^2)); nil as ``mean``.
  public let standardDeviation: Double?
  /// Quantiles and histogram; nil unless asked for, and when there are no finite elements.
  public let distribution: Distribution?

  /// How much is found out.
  public enum Detail: Sendable, Hashable {
    /// Everything but ``TensorStatistics/distribution``, in one reading.
    case moments
    /// Everything; tensors of more than 4096 elements are read twice.
    case distribution
  }

  init(_ moments: Moments, _ distribution: Distribution?) {
    count = moments.count
    zeroCount = moments.zeroCount
    nanCount = moments.nanCount
    infinityCount = moments.infinityCount
    let hasFinite = moments.finiteCount > 0
    minimum = hasFinite ? moments.minimum : nil
    maximum = hasFinite ? moments.maximum : nil
    // Equal elements have no rounding in their mean.
    let isConstant = moments.minimum == moments.maximum
    let mean = isConstant ? moments.minimum : moments.mean
    let deviation = isConstant ? 0 : moments.standardDeviation
    self.mean = hasFinite && mean.isFinite ? mean : nil
    standardDeviation = hasFinite && deviation.isFinite ? deviation : nil
    self.distribution = distribution
  }
}

extension TensorStatistics {
  public var finiteCount: Int { count - nanCount - infinityCount }

  /// The share of zeros; nil of an empty tensor.
  public var sparsity: Double? { count > 0 ? Double(zeroCount) / Double(count) : nil }

  /// sqrt(mean(x^2)) of the finite elements; nil as ``mean``.
  public var rootMeanSquare: Double? {
    guard let mean, let standardDeviation else { return nil }
    return (mean * mean + standardDeviation * standardDeviation).squareRoot()
  }
}
