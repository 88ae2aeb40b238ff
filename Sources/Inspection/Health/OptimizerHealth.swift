public import Checkpoints
import KerasConfiguration
import Tensors

/// What the state of an optimizer says about how each variable trains.
///
/// For Adagrad: with `rate` the learning rate in force, an element's next step is its gradient times the
/// *effective rate*
///
///     rate / sqrt(accumulator + epsilon)
///
/// with epsilon inside the root, as in both generations of Keras (`keras-team/keras
/// keras/src/optimizers/adagrad.py`). An element is *frozen* where its accumulator is still what it was at
/// the start: it has had no gradient, or only such as are so small that their squares vanish beside the
/// accumulator (in float32 below about 8e-5 for a start of 0.1). A row is *dead* when all of it is frozen, as
/// an embedding's is that never occurred.
///
/// For any optimizer with moving averages: how far they are from the live weights.
public struct OptimizerHealth: Sendable, Hashable {
  /// Nil where the file does not tell, and under a schedule.
  public let learningRate: Double?
  /// Variables with an accumulator of Adagrad, or an average, in the model's order.
  public let variables: [Variable]
  /// Why some of it is missing.
  public let notes: [String]

  public struct Variable: Sendable, Hashable {
    /// The canonical name.
    public let name: String
    public var adagrad: Accumulator?
    /// sqrt(mean((average - variable)^2)) / sqrt(mean(variable^2)); nil without average, or where it is no
    /// number, as for a variable of zeros.
    public var averageDistance: Double?
  }

  /// What an accumulator of Adagrad says.
  public struct Accumulator: Sendable, Hashable {
    public let elementCount: Int
    public let frozenCount: Int
    /// Rows along the first axis; nil of scalars and vectors.
    public let rowCount: Int?
    public let deadRowCount: Int?
    /// Nil without a learning rate, or a finite accumulator.
    public let effectiveRate: EffectiveRate?

    /// Whether no element has ever moved.
    public var isFrozen: Bool { elementCount > 0 && frozenCount == elementCount }
  }

  /// The spread of the effective rates of a variable's elements: of the largest accumulator, of that
  /// which 95 %, 50 % and 5 % lie below, and of the smallest.
  public struct EffectiveRate: Sendable, Hashable {
    public let minimum: Double
    public let p5: Double
    public let median: Double
    public let p95: Double
    public let maximum: Double
  }

  /// - Parameter entries: the variables to be looked at are those among these, and the owners of the slots
  ///   among them.
  /// - Throws: what reading throws.
  public init(
    reading reader: borrowing CheckpointReader, _ entries: [CheckpointEntry]
  ) throws(CheckpointError) {
    let manifest = reader.manifest
    learningRate = manifest.optimizer?.learningRate
    let adagrad = AdagradOptions(manifest.optimizer?.entry)
    var chosen: Set<VariableID> = []
    for entry in entries {
      switch entry.role {
      case .weight(let id), .slot(_, let id, _): chosen.insert(id)
      default: break
      }
    }
    let slots = manifest.slotsByOwner
    var variables: [Variable] = []
    for entry in manifest.entries {
      guard case .weight(let id) = entry.role, chosen.contains(id) else { continue }
      var variable = Variable(name: entry.name)
      var isKnown = false
      for slot in slots[id] ?? [] {
        guard case .slot(let name, _, _) = slot.role, slot.dtype != nil else { continue }
        if name == "accumulator", let adagrad {
          variable.adagrad = try Accumulator(
            reading: slot, of: reader, adagrad, learningRate: learningRate)
          isKnown = true
        } else if name == "average", slot.shape == entry.shape, slot.dtype == entry.dtype {
          variable.averageDistance = try RelativeDistance.reading(
            from: slot, to: entry, of: reader)
          isKnown = true
        }
      }
      if isKnown { variables.append(variable) }
    }
    self.variables = variables
    notes = Self.notes(on: manifest.optimizer, adagrad, learningRate, found: !variables.isEmpty)
  }

  private static func notes(
    on optimizer: OptimizerSummary?, _ adagrad: AdagradOptions?, _ rate: Double?, found: Bool
  ) -> [String] {
    guard let optimizer else { return ["the file holds no optimizer"] }
    var notes: [String] = []
    if adagrad == nil {
      let name = optimizer.className ?? "an optimizer of an unknown class"
      notes.append("frozen elements and effective rates are told of Adagrad; this is \(name)")
    } else if rate == nil {
      notes.append("no effective rates: the learning rate is not a number in the file")
    }
    if !found { notes.append("no accumulator and no average is tied to a variable shown") }
    return notes
  }
}

/// Adagrad's options, as far as they tell what its accumulators mean.
struct AdagradOptions: Sendable {
  let startValue: Double
  let epsilon: Double

  /// Nil of another optimizer. Missing options have the value that both generations of Keras give them.
  init?(_ entry: OptimizerEntry?) {
    guard let entry = entry?.inner ?? entry, entry.className == "Adagrad" else { return nil }
    startValue = entry.configuration["initial_accumulator_value"]?.double ?? 0.1
    epsilon = entry.configuration["epsilon"]?.double ?? 1e-7
  }

  func effectiveRate(_ rate: Double, _ accumulator: Double) -> Double {
    rate / (accumulator + epsilon).squareRoot()
  }
}

extension OptimizerHealth.Accumulator {
  init(
    reading slot: CheckpointEntry, of reader: borrowing CheckpointReader,
    _ options: AdagradOptions, learningRate: Double?
  ) throws(CheckpointError) {
    let counts = try FrozenCounts.reading(slot, of: reader, startValue: options.startValue)
    elementCount = slot.shape.elementCount
    frozenCount = counts.elementCount
    rowCount = slot.shape.rank > 1 ? slot.shape[0] : nil
    deadRowCount = slot.shape.rank > 1 ? counts.rowCount : nil
    effectiveRate =
      if let learningRate {
        try Self.effectiveRate(learningRate, options, TensorStatistics(reading: slot, of: reader))
      } else {
        nil
      }
  }

  /// The rate falls as the accumulator grows, so its quantiles are those of the accumulator, turned round.
  private static func effectiveRate(
    _ rate: Double, _ options: AdagradOptions, _ statistics: TensorStatistics
  ) -> OptimizerHealth.EffectiveRate? {
    guard let minimum = statistics.minimum, let maximum = statistics.maximum,
      let distribution = statistics.distribution
    else { return nil }
    return OptimizerHealth.EffectiveRate(
      minimum: options.effectiveRate(rate, maximum),
      p5: options.effectiveRate(rate, distribution.quantile(0.95)),
      median: options.effectiveRate(rate, distribution.quantile(0.5)),
      p95: options.effectiveRate(rate, distribution.quantile(0.05)),
      maximum: options.effectiveRate(rate, minimum))
  }
}
