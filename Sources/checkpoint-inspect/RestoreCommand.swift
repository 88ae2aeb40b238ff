public import ArgumentParser
public import Checkpoints
import Inspection

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Take weights and slots, by name, from one checkpoint into a copy of another.",
    discussion: """
      All or nothing: when a selected tensor is missing, left over or of another shape or dtype, \
      nothing is written. The inputs are never touched.
      Example: checkpoint-inspect restore trained.h5 --into fresh.h5 -o warm.h5 --only 'encoder/*'
      """)

  @Argument(help: "The checkpoint to take tensors from.", completion: .file())
  var source: String

  @Option(help: "The checkpoint to copy and take them into.", completion: .file())
  var into: String

  @Option(name: [.short, .long], help: "The file to write.", completion: .file())
  var output: String

  @Option(
    help: """
      Take only names in the target that match this pattern: 'encoder/*', 'accumulator/*', '*kernel'. \
      Repeatable.
      """)
  var only: [String] = []

  @Option(help: "Leave names in the target alone that match this pattern. Repeatable.")
  var exclude: [String] = []

  @Option(
    help: """
      Give variables of the source another name: 'encoder/*=backbone/*'; slots follow. The first rule \
      that matches counts. Repeatable.
      """)
  var rename: [String] = []

  @Option(
    help: """
      Take only this part: \(RestoreSelection.Part.allCases.map(\.rawValue).joined(separator: ", ")). \
      Repeatable; otherwise everything but the configuration.
      """)
  var role: [RestoreSelection.Part] = []

  @Option(help: "What becomes the weights: live, or average for the source's moving averages.")
  var weights = RestoreSelection.WeightsOrigin.live

  @Flag(
    help: """
      Carry optimizer variables whose owner cannot be proven over by their position. Not needed where \
      source or target has the architecture.
      """)
  var assumeOrder = false

  @Flag(help: "Print what would happen; write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try FilterOptions.validate(patterns: only + exclude)
    try InputFiles.validate(source, into)
    for rule in rename where RenameRule(rule) == nil {
      throw ValidationError(
        "'\(rule)' is no rename: expected 'PATTERN=NAME' with as many * on the right as on the left"
      )
    }
  }

  private var selection: RestoreSelection {
    RestoreSelection(
      only: only.compactMap { Glob($0) }, excluding: exclude.compactMap { Glob($0) },
      renames: rename.compactMap { RenameRule($0) }, parts: role.isEmpty ? nil : Set(role),
      weights: weights, assumesOrder: assumeOrder)
  }

  func run() throws {
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      let opened = try inputs.open(into, verifying: reading.verifying)
      let reader = try inputs.open(
        source, architectureFrom: opened, verifying: reading.verifying)
      let target = try inputs.open(
        into, architectureFrom: reader, verifying: reading.verifying)
      let plan = RestorePlan(
        source: reader.manifest, target: target.manifest, selection: selection)
      // The plan is printed also, and above all, when it is refused.
      Console.print(plan.report, printing.style)
      let taken = plan.assignments.reduce(0) { $0 + $1.target.byteCount }
      // The target is copied, then the source's tensors are read and written.
      try ProgressLine.showing("restoring", byteCount: 2 * (target.manifest.byteCount + taken)) {
        () throws(CheckpointError) in
        try reader.restore(
          plan, into: target, writing: output, replacing: force, isDryRun: dryRun)
      }
      if printing.format == .text { printOutcome(plan) }
    }
  }

  private func printOutcome(_ plan: RestorePlan) {
    let count = plan.assignments.count
    let taken =
      [
        count > 0 ? "\(count) tensor\(count == 1 ? "" : "s")" : nil,
        plan.takesConfiguration ? "the configuration" : nil,
      ].compactMap { $0 }.joined(separator: " and ")
    let kept = plan.report.kept.count
    Console.printLine(
      "\(dryRun ? "would take" : "wrote \(output):") \(taken) from \(source),"
        + " \(kept) tensor\(kept == 1 ? "" : "s") as in \(into)")
  }
}

extension RestoreSelection.Part: ExpressibleByArgument {}
extension RestoreSelection.WeightsOrigin: ExpressibleByArgument {}
