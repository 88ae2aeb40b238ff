import ArgumentParser
import Checkpoints
import Inspection

struct WatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Print a line of the log whenever a checkpoint is committed.",
    discussion: """
      The first line is of the newest checkpoint that is there already. Lines are those of log, one each as \
      soon as the checkpoint has its name; with --format json all of them at the end.
      Ends on SIGINT and SIGTERM, with 130 and 143; with 0 when --until-step is reached; when the time of \
      --timeout is over with 1 if --until-step was to be reached, else with 0.
      Examples:
        checkpoint-inspect watch run
        checkpoint-inspect watch run --until-step 1000 --format ndjson | jq .loss
      """)

  @Argument(help: "The folder of checkpoints.")
  var folder: String

  @Option(help: "End when a checkpoint of this step, or a later one, is there.")
  var untilStep: Int?

  @Option(help: "End after so many seconds.")
  var timeout: Double?

  @OptionGroup var logging: LoggingOptions

  @OptionGroup var printing: PrintingOptions

  func validate() throws {
    if let timeout, !(timeout > 0 && timeout < 1e9) {
      throw ValidationError("expected a --timeout above 0 and below 1e9 seconds")
    }
  }

  func run() throws {
    var exitCode: Int32 = 0
    try Console.reportingTrouble { _ throws(CheckpointError) in exitCode = try watch() }
    if exitCode != 0 { throw ExitCode(exitCode) }
  }

  private func watch() throws(CheckpointError) -> Int32 {
    let start = ContinuousClock.now
    var watch = try FolderWatch(folder, stop: StopRequest())
    var log = RunLog(logging.options)
    var stream = LogStream(
      folder: folder, format: printing.format,
      isColoured: Console.isColoured(printing.color))
    Console.print(stream.opening)
    defer { Console.print(stream.closing) }

    /// Prints the line of a checkpoint; whether it is the last one wanted.
    func show(_ path: String) -> Bool {
      let entry = log.entry(of: path)
      Console.print(stream.lines(for: entry))
      guard let step = entry.step, let untilStep else { return false }
      return step >= untilStep
    }
    if let newest = try watch.newest() {
      try RunLog.requireNames(logging.filter.filter, in: [newest])
      if show(newest) { return 0 }
    }
    while true {
      let left = timeout.map { seconds in
        max(
          0, Int((seconds * 1000 - (ContinuousClock.now - start) / .milliseconds(1)).rounded(.up)))
      }
      switch try watch.wait(milliseconds: left) {
      case .committed(let paths): for path in paths where show(path) { return 0 }
      case .timedOut: return untilStep == nil ? 0 : 1
      case .stopped(let signal): return 128 + signal
      }
    }
  }
}
