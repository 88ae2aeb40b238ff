/// How a new variable gets its first values: Keras's initializers, drawn from a ``RandomStream``.
///
/// The distributions are Keras's (`keras/initializers`, 2.12); the random numbers are Cairn's own, so
/// a seed gives other values here than there.
public enum Initializer: Sendable, Hashable {
  case zeros
  case ones
  case constant(Double)
  /// Uniform in [minimum, maximum).
  case randomUniform(minimum: Double = -0.05, maximum: Double = 0.05)
  case randomNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// Normal, drawn again while further than two standard deviations from the mean.
  case truncatedNormal(mean: Double = 0, standardDeviation: Double = 0.05)
  /// Variance `scale / n`, where `n` is the fan chosen by `mode`.
  case varianceScaling(scale: Double, mode: Fan, distribution: Distribution)
  /// `gain` on the main diagonal, zero elsewhere; of matrices only.
  case identity(gain: Double = 1)

  /// What the variance is divided by: inputs, outputs, or their mean.
  public enum Fan: String, Sendable, Hashable {
    case input = "fan_in"
    case output = "fan_out"
    case average = "fan_avg"
  }

  public enum Distribution: String, Sendable, Hashable {
    /// Within ±sqrt(3 variance).
    case uniform
    /// Limited to two standard deviations, widened so that the variance is kept.
    case truncatedNormal = "truncated_normal"
    case untruncatedNormal = "untruncated_normal"
  }

  public static let glorotUniform = varianceScaling(
    scale: 1, mode: .average, distribution: .uniform)
  public static let glorotNormal = varianceScaling(
    scale: 1, mode: .average, distribution: .truncatedNormal)
  public static let heUniform = varianceScaling(scale: 2, mode: .input, distribution: .uniform)
  public static let heNormal = varianceScaling(
    scale: 2, mode: .input, distribution: .truncatedNormal)
  public static let lecunUniform = varianceScaling(scale: 1, mode: .input, distribution: .uniform)
  public static let lecunNormal = varianceScaling(
    scale: 1, mode: .input, distribution: .truncatedNormal)
}

// MARK: - Values

extension Initializer {
  /// A new tensor; element `i` depends on `stream` and `i` only. Traps when `identity` is asked for
  /// anything but a matrix.
  public func makeTensor(
    shape: Shape, dtype: DType = .float32, stream: RandomStream
  ) -> Tensor {
    switch self {
    case .zeros: return Tensor(zeros: shape, dtype: dtype)
    case .ones: return Tensor(repeating: 1, shape: shape, dtype: dtype)
    case .constant(let value): return Tensor(repeating: value, shape: shape, dtype: dtype)
    case .randomUniform(let minimum, let maximum):
      return Self.tensor(shape, dtype) {
        minimum + (maximum - minimum) * stream.uniformDouble(at: $0)
      }
    case .randomNormal(let mean, let deviation):
      return Self.tensor(shape, dtype) { mean + deviation * stream.normal(at: $0) }
    case .truncatedNormal(let mean, let deviation):
      return Self.tensor(shape, dtype) { mean + deviation * stream.truncatedNormal(at: $0) }
    case .varianceScaling(let scale, let mode, let distribution):
      let variance = scale / max(1, mode.value(for: shape))
      return Self.scaled(variance, distribution).makeTensor(
        shape: shape, dtype: dtype, stream: stream)
    case .identity(let gain):
      precondition(shape.rank == 2, "identity initializes matrices, not shape \(shape)")
      let columns = UInt64(shape[1])
      return Self.tensor(shape, dtype) { $0 / columns == $0 % columns ? gain : 0 }
    }
  }

  /// The plain distribution of the given variance.
  private static func scaled(_ variance: Double, _ distribution: Distribution) -> Initializer {
    switch distribution {
    case .uniform:
      let limit = (3 * variance).squareRoot()
      return .randomUniform(minimum: -limit, maximum: limit)
    case .truncatedNormal:
      // The standard deviation of a standard normal limited to [-2, 2].
      let truncatedDeviation = 0.87962566103423978
      return .truncatedNormal(standardDeviation: variance.squareRoot() / truncatedDeviation)
    case .untruncatedNormal:
      return .randomNormal(standardDeviation: variance.squareRoot())
    }
  }

  private static func tensor(
    _ shape: Shape, _ dtype: DType, _ value: (UInt64) -> Double
  ) -> Tensor {
    Tensor(shape: shape, dtype: dtype) { bytes in
      func fill<Element: TensorElement>(_: Element.Type) {
        let elements = bytes.bindMemory(to: Element.self)
        for index in elements.indices {
          elements[index] = Element(rounding: .floating(value(UInt64(index))))
        }
      }
      dtype.withElementType { fill($0) }
    }
  }
}

extension Initializer.Fan {
  /// Inputs and outputs of one unit: the last two extents, each times the receptive field (the
  /// product of all extents before them). A vector counts for both, a scalar as 1.
  func value(for shape: Shape) -> Double {
    let inputs: Double
    let outputs: Double
    switch shape.rank {
    case 0: (inputs, outputs) = (1, 1)
    case 1: (inputs, outputs) = (Double(shape[0]), Double(shape[0]))
    default:
      let receptiveField = Double(shape.dimensions.dropLast(2).reduce(1, *))
      (inputs, outputs) = (Double(shape[-2]) * receptiveField, Double(shape[-1]) * receptiveField)
    }
    switch self {
    case .input: return inputs
    case .output: return outputs
    case .average: return (inputs + outputs) / 2
    }
  }
}
