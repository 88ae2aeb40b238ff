import ArgumentParser
import Checkpoints
import Inspection

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "What differs between two checkpoints, whatever their layouts.",
    discussion: """
      Variables and slots are matched by name; a weights file that does not tell names takes them from \
      the other file. Exit code 0: the same; 1: different.
      Examples:
        checkpoint-inspect diff before.h5 after.weights.h5 --absolute 1e-6
        checkpoint-inspect diff step-100.h5 step-200.h5 --explain --only 'encoder/*'
      """)

  @Argument(help: "The first checkpoint.", completion: .file())
  var before: String

  @Argument(help: "The second checkpoint.", completion: .file())
  var after: String

  @Option(help: "Numbers this far apart still count as equal.")
  var absolute = 0.0

  @Option(help: "And so do numbers this far apart relative to the second one.")
  var relative = 0.0

  @Option(help: "And so do floating-point numbers that are so many steps apart.")
  var ulp = 0

  @Flag(name: .shortAndLong, help: "Print only the verdict and the summary.")
  var brief = false

  @Flag(name: .shortAndLong, help: "Print nothing: the exit code tells.")
  var quiet = false

  @Flag(help: "Tell what the verdict on the descent rests on.")
  var explain = false

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

  @OptionGroup var filter: FilterOptions

  @OptionGroup var page: HTMLOptions

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard absolute >= 0, relative >= 0, ulp >= 0 else {
      throw ValidationError("a tolerance must be 0 or more")
    }
    guard occurrences ?? 1 >= 1 else { throw ValidationError("occurrences must be 1 or more") }
  }

  func run() throws {
    var isSame = true
    try Console.reportingTrouble { () throws(CheckpointError) in
      var options = DiffReport.Options()
      options.tolerance = Tolerance(absolute: absolute, relative: relative, ulps: ulp)
      options.descent = DescentOptions(
        greatestLearningRate: learningRate, occurrences: occurrences)
      options.filter = filter.filter
      options.isBrief = brief
      options.explains = explain
      try CheckpointReader.withPair(opening: before, after, verifying: reading.verifying) {
        (first, second) throws(CheckpointError) in
        let report = try DiffReport(first, second, options: options)
        isSame = report.isEmpty
        if let html = page.html {
          try HTMLPage(report, reading: first, second).write(to: html, replacing: page.force)
        }
        if !quiet { Console.print(report, printing) }
      }
    }
    if !isSame { throw ExitCode(1) }
  }
}
