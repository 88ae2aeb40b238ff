import Tensors

/// Whether the second of two checkpoints can have come from the first by training with Adagrad, and what
/// its accumulators tell about that training. <doc:Descending> derives what is asked of them.
public struct Descent: Sendable {
  public enum Verdict: String, Sendable, Hashable {
    /// Everything that could be asked was answered as training would.
    case consistent
    /// No training leads there, under the ``Descent/assumptions``.
    case impossible
    /// The files do not tell enough, or the optimizer does what nothing can be said about.
    case notProvable
  }

  public internal(set) var verdict = Verdict.notProvable
  /// Calls of the optimizer between the two: the growth of its counter. Nil where a file has none.
  public internal(set) var stepsApart: Int64?
  /// Updates between the two: ``stepsApart``, but for accumulated gradients.
  public internal(set) var updateCount: Int64?
  /// The highest rate that the verdict is about.
  public internal(set) var greatestLearningRate: Double?
  /// What had to be taken for granted.
  public internal(set) var assumptions: [String] = []
  /// Why not more could be said.
  public internal(set) var obstacles: [String] = []
  /// The trained variables, in the first file's order.
  public internal(set) var variables: [VariableDescent] = []
  /// What no training does, those of the counter and of all variables together.
  public internal(set) var contradictions: [Contradiction] = []
}

/// What was found about one variable and its accumulator.
public struct VariableDescent: Sendable {
  /// Its canonical name.
  public let name: String
  public internal(set) var verdict = Descent.Verdict.notProvable
  /// Why no more could be said about this variable.
  public internal(set) var obstacles: [String] = []
  public let elementCount: Int
  /// Rows along the first axis that changed, weight or accumulator, and all rows; nil for fewer than two
  /// axes.
  public internal(set) var touchedRowCount: Int?
  public internal(set) var rowCount: Int?
  /// sqrt(growth of the accumulators / (elements * updates)): the root-mean-square gradient, clipped and
  /// aggregated, up to rounding. Of rows that Keras 3 does not sum, the sum of the squares counts.
  public internal(set) var rootMeanSquareGradient: Double?
  /// The same over the touched rows alone.
  public internal(set) var rootMeanSquareGradientOfTouchedRows: Double?
  public internal(set) var contradictions: [Contradiction] = []
}

/// Something in the second file that no training from the first leads to.
public struct Contradiction: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The count of updates is less than in the first file.
    case counterFell
    /// An accumulator only ever grows: squares are added to it.
    case accumulatorFell
    /// What is NaN once stays so.
    case notANumberHealed
    /// A weight is NaN although its accumulator never saw a gradient that was not finite.
    case notANumberWithoutCause
    /// An accumulator saw NaN, its weight did not.
    case notANumberWithoutEffect
    /// Accumulators grew further than clipped gradients can make them grow.
    case grewBeyondClipping
    /// A weight went further than its accumulator accounts for.
    case movedTooFar
    /// One update moved a weight by less than its accumulator accounts for.
    case movedTooLittle
    /// A moving average is further from all past weights than they went.
    case averageTooFar
    /// There was no update, and an accumulator grew all the same.
    case grewWithoutUpdate
    /// There was no update, and a weight changed all the same.
    case changedWithoutUpdate
  }

  public let kind: Kind
  /// The name of the tensor that is to blame; nil for the counter, and for all variables together.
  public let tensor: String?
  /// Elements to which this happened.
  public internal(set) var count: Int
  /// The element where it is worst; nil where none stands for the others.
  public let worst: Element?
  /// What was found of what is limited, and the limit: of a sum, or of ``worst``.
  public let found: Double
  public let limit: Double

  /// One element in both files.
  public struct Element: Sendable, Hashable {
    /// Its index, an integer for each axis.
    public let index: [Int]
    public let weightBefore: Double
    public let weightAfter: Double
    public let accumulatorBefore: Double
    public let accumulatorAfter: Double
  }
}
