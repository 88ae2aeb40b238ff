import ArgumentParser
import Checkpoints
import KerasConfiguration

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Take weights and slots, by name, from one checkpoint into a copy of another.",
    discussion: """
      All or nothing: when a selected tensor is missing, left over or of another shape or dtype, \
      nothing is written. The inputs are never touched.
      Example: checkpoint-inspect restore trained.h5 --into fresh.h5 -o warm.h5 --only 'encoder/*'
      """)

  @Argument(help: "The checkpoint to take tensors from.")
  var source: String

  @Option(help: "The checkpoint to copy and take them into.")
  var into: String

  @Option(name: [.short, .long], help: "The file to write.")
  var output: String

  @Option(help: "Take only names that match this pattern: 'encoder/*', 'accumulator/*', '*kernel'.")
  var only: String?

  @Flag(help: "Print what would happen; write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @Option(help: "How to print: text or json.")
  var format = ReportFormat.text

  func validate() throws {
    if let only, Glob(only) == nil {
      throw ValidationError("'\(only)' is not a pattern: a set is left open, or it ends in '\\'")
    }
  }

  func run() throws {
    try Console.reportingTrouble { () throws(CheckpointError) in
      let reader = try CheckpointReader(opening: source)
      let target = try CheckpointReader(opening: into)
      let plan = RestorePlan(
        source: reader.manifest, target: target.manifest, only: only.flatMap { Glob($0) })
      // The plan is printed also, and above all, when it is refused.
      switch format {
      case .json: Console.printJSON(plan.report.json)
      case .text: printText(plan.report)
      }
      try reader.restore(
        plan, into: target, writing: output, replacing: force, isDryRun: dryRun)
    }
  }

  private func printText(_ report: RestoreReport) {
    for name in report.restored { Console.printLine("restore   \(name)") }
    for mismatch in report.mismatched {
      Console.printLine("mismatch  \(mismatch.name): \(mismatch.problem)")
    }
    for name in report.missing { Console.printLine("missing   \(name)") }
    for name in report.unused { Console.printLine("unused    \(name)") }
    for note in report.notes { Console.printLine("note      \(note)") }
    let verb = dryRun ? "would be taken" : "to take"
    Console.printLine(
      "\(report.restored.count) tensors \(verb) from \(source), \(report.kept.count) kept as in"
        + " \(into)")
  }
}
