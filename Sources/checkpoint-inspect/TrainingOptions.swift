import ArgumentParser
import Inspection

/// What is known about the training between two checkpoints, and stands in neither.
struct TrainingOptions: ParsableArguments {
  @Option(
    help: "The highest learning rate between the two, if it was set meanwhile.",
    transform: { text in
      guard let rate = Double(text), rate >= 0, rate.isFinite else {
        throw ValidationError("a learning rate must be a number of 0 or more")
      }
      return rate
    })
  var learningRate: Double?

  @Option(
    help: """
      How often a step looks up one row of an embedding at most, such as batch size times length: Keras 3 \
      does not sum repeated rows.
      """)
  var occurrences: Int?

  func validate() throws {
    guard occurrences ?? 1 >= 1 else { throw ValidationError("occurrences must be 1 or more") }
  }

  var isEmpty: Bool { learningRate == nil && occurrences == nil }

  var options: DescentOptions {
    DescentOptions(greatestLearningRate: learningRate, occurrences: occurrences)
  }
}
