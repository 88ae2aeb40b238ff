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
      Example: checkpoint-inspect diff before.h5 after.weights.h5 --absolute 1e-6
      """)

  @Argument(help: "The first checkpoint.", completion: .file())
  var before: String

  @Argument(help: "The second checkpoint.", completion: .file())
  var after: String

  @Option(help: "Numbers this far apart still count as equal.")
  var absolute = 0.0

  @Option(help: "And so do numbers this far apart relative to the second one.")
  var relative = 0.0

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    guard absolute >= 0, relative >= 0 else {
      throw ValidationError("a tolerance must be 0 or more")
    }
  }

  func run() throws {
    var isSame = true
    try Console.reportingTrouble { () throws(CheckpointError) in
      let diff = try CheckpointDiff(
        opening: before, after, verifying: reading.verifying,
        tolerance: Tolerance(absolute: absolute, relative: relative))
      isSame = diff.isEmpty
      Console.print(DiffReport(diff), printing)
    }
    if !isSame { throw ExitCode(1) }
  }
}
