import ArgumentParser
import Checkpoints
import Tensors
import Training

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Write a model's outputs for each row of x.",
    discussion: "Example: cairn predict digits.h5 --model model.h5 --output predictions.h5")

  @Argument(help: "An HDF5 file with a dataset x; the digits that ship with Cairn by default.")
  var data: String?

  @Option(help: "A Keras file with architecture and weights.")
  var model: String

  @Option(help: "The HDF5 file to write; its dataset predictions has a row for each row of x.")
  var output: String

  @Option(help: "Rows computed at a time.")
  var batchSize = 32

  @Option(help: "Threads for matrix products.")
  var threads = 1

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try OptionRanges.checkBatchSize(batchSize)
    try OptionRanges.checkThreads(threads)
  }

  func run() throws {
    try reportingTrouble {
      let data = try data ?? BundledData.digits()
      let inputs = try DataFile.inputs(of: data)
      let source = try ModelSource(
        reading: model, includingOptimizer: false, verifying: reading.verifying)
      guard let variables = source.variables else {
        throw CommandError("cannot predict with \(model): it has an architecture but no weights")
      }
      try OutputCheck.check(output, replacing: force, others: [data, model])
      let predictions = try source.model.predict(
        inputs, variables: variables, batchSize: batchSize, threadCount: threads)
      try TensorFile.write(
        [(name: "predictions", value: predictions)], to: output, replacing: force)
      print("wrote \(output): predictions \(predictions.dtype) \(predictions.shape)")
    }
  }
}
