import ArgumentParser
import Checkpoints
import Inspection

struct BisectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bisect",
    abstract: "Find the first checkpoint of a run that fails a check.",
    discussion: """
      Halves the run until the first that fails stands beside one that passes, taking for granted that what \
      fails once fails from then on; the oldest and the newest are looked at first. One that cannot be read \
      is passed over. An impossible step does not last, so for it all are looked at, from the oldest on, each \
      against the last that passed.
      A command is run without a shell, with the checkpoint's path for each {}. Its exit code counts as \
      for git bisect run: 0 passes, 1 to 127 fail, 125 leaves it open, others end the search.
      Exit code 0: none fails; 1: one was found; 2: trouble, or it cannot be decided.
      Examples:
        checkpoint-inspect bisect run --check nan
        checkpoint-inspect bisect run --check frozen --exclude 'encoder/*'
        checkpoint-inspect bisect run --check impossible-step
        checkpoint-inspect bisect run --check metric --metric val_loss --above 0.5
        checkpoint-inspect bisect run -- python evaluate.py {}
      """)

  enum Check: String, CaseIterable, ExpressibleByArgument {
    case nan, frozen
    case impossibleStep = "impossible-step"
    case metric
  }

  @Argument(help: "The folder of checkpoints.")
  var folder: String

  @Option(
    help: """
      What to look for: nan (NaN or infinity in weights or slots), frozen (a trained weight without change \
      since the checkpoint before), impossible-step (a state to which no training leads from the checkpoint \
      before: see diff), metric (with --metric and a bound).
      """)
  var check: Check?

  @Option(
    help: """
      The recorded value to look at: loss, the mean since the checkpoint before, greatestLoss or lastLoss, all \
      three as log --format json has them; or a value that was saved with the checkpoint, such as val_loss.
      """)
  var metric: String?

  @Option(help: "The metric fails above this, or as NaN.")
  var above: Double?

  @Option(help: "The metric fails below this, or as NaN.")
  var below: Double?

  @OptionGroup var training: TrainingOptions

  @OptionGroup var filter: FilterOptions

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  @Argument(parsing: .postTerminator, help: "After --: a program and its arguments, one with {}.")
  var command: [String] = []

  func validate() throws {
    guard (check == nil) != command.isEmpty else {
      throw ValidationError("expected either --check or a command after --")
    }
    guard check == .impossibleStep || training.isEmpty else {
      throw ValidationError("--learning-rate and --occurrences are about --check impossible-step")
    }
    guard command.isEmpty || command.dropFirst().contains(where: { $0.contains("{}") }) else {
      throw ValidationError("expected {} in the command, where the checkpoint's path is to stand")
    }
    let bounds = [above, below].compactMap { $0 }
    guard (check == .metric) == (metric != nil), bounds.count == (metric == nil ? 0 : 1) else {
      throw ValidationError("--check metric wants --metric and one of --above and --below")
    }
    guard bounds.allSatisfy({ !$0.isNaN }) else {
      throw ValidationError("a bound must be a number: NaN fails by itself")
    }
  }

  private var historyCheck: HistoryCheck {
    switch check {
    case nil: .command(command)
    case .nan: .notFinite(filter.filter)
    case .frozen: .frozen(filter.filter)
    case .impossibleStep: .impossibleStep(filter.filter, training.options)
    case .metric: .metric(metric!, above.map { .above($0) } ?? .below(below!))
    }
  }

  /// Tells how far the look at a checkpoint has come. A command has the terminal for itself.
  private func watched(
    _ path: String, _ read: [String], _ judge: () throws(CheckpointError) -> Verdict
  ) throws(CheckpointError) -> Verdict {
    guard command.isEmpty else { return try judge() }
    let byteCount = read.reduce(0) { $0 + CheckpointReader.fileByteCount(of: $1) }
    return try ProgressLine.showing("reading \(path)", byteCount: byteCount, judge)
  }

  func run() throws {
    var outcome = BisectReport.Outcome.noneFails
    try Console.reportingTrouble { _ throws(CheckpointError) in
      let isText = printing.format == .text
      let paths = try RunLog.checkpoints(inFolder: folder)
      try RunLog.requireNames(filter.filter, in: paths)
      var bisection = Bisection(
        paths, historyCheck, verifying: reading.verifying,
        around: watched,
        onStep: { if isText { Console.print([$0.line], printing.style) } })
      let report = try bisection.run()
      if isText {
        Console.print(report.conclusion, printing.style)
      } else {
        Console.print(report, printing.style)
      }
      outcome = report.outcome
    }
    switch outcome {
    case .noneFails: break
    case .found, .oldestFails: throw ExitCode(1)
    case .between, .undecided: throw ExitCode(2)
    }
  }
}
