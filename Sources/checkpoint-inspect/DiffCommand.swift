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
        git show HEAD~:model.h5 | checkpoint-inspect diff - model.h5
      """)

  @Argument(
    help: "The first checkpoint, or - to read it from standard input.", completion: .file())
  var before: String

  @Argument(help: "The second checkpoint, or -.", completion: .file())
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

  @OptionGroup var training: TrainingOptions

  @OptionGroup var filter: FilterOptions

  @OptionGroup var page: HTMLOptions

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try InputFiles.validate(before, after)
    guard absolute >= 0, relative >= 0, ulp >= 0 else {
      throw ValidationError("a tolerance must be 0 or more")
    }
  }

  func run() throws {
    var isSame = true
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      var options = DiffReport.Options()
      options.tolerance = Tolerance(absolute: absolute, relative: relative, ulps: ulp)
      options.descent = training.options
      options.filter = filter.filter
      options.isBrief = brief
      options.explains = explain
      let (first, second) = (try inputs.file(before), try inputs.file(after))
      try CheckpointReader.withPair(
        opening: (first.path, first.name), (second.path, second.name),
        verifying: reading.verifying
      ) { (first, second) throws(CheckpointError) in
        let byteCount = first.manifest.byteCount + second.manifest.byteCount
        let report = try ProgressLine.showing("comparing", byteCount: byteCount) {
          () throws(CheckpointError) in try DiffReport(first, second, options: options)
        }
        isSame = report.isEmpty
        if let target = page.target {
          let page = try ProgressLine.showing("drawing", byteCount: byteCount) {
            () throws(CheckpointError) in try HTMLPage(report, reading: first, second)
          }
          try target.write(page)
        }
        if !quiet { Console.print(report, printing.style) }
      }
    }
    if !isSame { throw ExitCode(1) }
  }
}
