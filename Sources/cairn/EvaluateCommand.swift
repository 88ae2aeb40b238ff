import ArgumentParser
import KerasConfiguration
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "The loss and metrics of a model over data.",
    discussion: "Example: cairn evaluate digits.h5 --model model.h5 --validation-split 0.2")

  @Argument(help: "An HDF5 file with datasets x and y; the digits that ship with Cairn by default.")
  var data: String?

  @Option(help: "A Keras file with architecture and weights.")
  var model: String

  @Option(help: "Use only this share of the rows, from the end; 0 for all.")
  var validationSplit = 0.0

  @Option(help: "Rows computed at a time.")
  var batchSize = 32

  @Option(help: "Threads for matrix products.")
  var threads = 1

  @Option(help: "How to print: text or json.")
  var format = OutputFormat.text

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try OptionRanges.checkBatchSize(batchSize)
    try OptionRanges.checkThreads(threads)
    try OptionRanges.checkValidationSplit(validationSplit)
  }

  func run() throws {
    try reportingTrouble {
      let file = try DataFile(reading: try data ?? BundledData.digits())
      var dataset = try file.dataset()
      let source = try ModelSource(
        reading: model, includingOptimizer: false, verifying: reading.verifying)
      guard let variables = source.variables else {
        throw CommandError("cannot evaluate \(model): it has an architecture but no weights")
      }
      let objective = try source.objective(for: dataset)
      if validationSplit > 0 {
        dataset = try dataset.split(validationFraction: validationSplit).validation
      }
      let trainer = Trainer(
        model: source.model, loss: objective.loss, metrics: objective.metrics,
        batchSize: batchSize, threadCount: threads)
      let values = try trainer.evaluate(dataset, variables: variables)
      switch format {
      case .text: print("\(dataset.rowCount) rows  \(ProgressReport.text(values))")
      case .json:
        let report = JSONObject(
          [("schemaVersion", JSONValue(1)), ("rows", JSONValue(dataset.rowCount))]
            // JSON has no word for NaN and infinity.
            + values.map { ($0.name, $0.value.isFinite ? JSONValue($0.value) : .null) })
        print(JSONValue.object(report).prettyText)
      }
    }
  }
}

/// How a result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}
