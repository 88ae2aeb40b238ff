import ArgumentParser
import Checkpoints
import Inspection

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "The checkpoints of a run, a line each.",
    discussion: """
      Step, time, the mean loss since the line before, the norm of the weights, how far they are from \
      those of the line before, and where most; remarks on spikes and on NaN. One that is damaged has a \
      line that says so, and exit code 0 all the same.
      Losses are those that cairn train records; the rest is told of the checkpoints of any program.
      Examples:
        checkpoint-inspect log run
        checkpoint-inspect log run --newest-first --only 'encoder/*'
        checkpoint-inspect log run --no-tensors --format csv > run.csv
      """)

  @Argument(help: "The folder of checkpoints.")
  var folder: String

  @Flag(help: "Print the newest checkpoint first, not last.")
  var newestFirst = false

  @OptionGroup var logging: LoggingOptions

  @OptionGroup var page: HTMLOptions

  @OptionGroup var printing: PrintingOptions

  func run() throws {
    try Console.reportingTrouble { _ throws(CheckpointError) in
      let paths = try RunLog.checkpoints(inFolder: folder)
      try RunLog.requireNames(logging.filter.filter, in: paths)
      let byteCount = paths.reduce(0) { $0 + CheckpointReader.fileByteCount(of: $1) }
      // Each file is read for its numbers, and beside the next one for the change.
      let entries = ProgressLine.showing(
        "reading", byteCount: logging.isBrief ? byteCount : 3 * byteCount
      ) {
        var log = RunLog(logging.options)
        return paths.map { log.entry(of: $0) }
      }
      let report = LogReport(folder: folder, entries: entries, newestFirst: newestFirst)
      try page.target?.write(HTMLPage(report))
      Console.print(report, printing.style)
    }
  }
}

/// What the lines of a log are made from.
struct LoggingOptions: ParsableArguments {
  @Flag(
    name: .customLong("no-tensors"),
    help: "Tell only what the files say at once: no norms, changes or NaN.")
  var isBrief = false

  @OptionGroup var filter: FilterOptions

  @OptionGroup var reading: ReadingOptions

  var options: RunLog.Options {
    var options = RunLog.Options()
    options.readsTensors = !isBrief
    options.filter = filter.filter
    options.verifies = reading.verifying
    return options
  }
}
