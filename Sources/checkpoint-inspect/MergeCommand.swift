public import ArgumentParser
public import Checkpoints
import Inspection
import KerasConfiguration

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Merge two checkpoints that were trained from a common one, slots included.",
    discussion: """
      What one side changed since BASE is taken from there: whole tensors, and rows of embedding tables. What \
      both changed is a conflict, unless --strategy decides. Adagrad's accumulators and the count of \
      updates add the growths of both sides; settings merge one by one. The output is a copy of OURS with \
      the merged tensors in it, and the record of the run that OURS has.
      Exit code 0: merged; 1: conflicts, listed, and nothing written; 2: trouble.
      Examples:
        checkpoint-inspect merge start.h5 ours.h5 theirs.h5 -o merged.h5
        checkpoint-inspect merge start.h5 ours.h5 theirs.h5 -o merged.keras --strategy average \
      --profile keras3-archive
      """)

  @Argument(help: "The checkpoint from which both others were trained.", completion: .file())
  var base: String

  @Argument(help: "One side; the output has its layout.", completion: .file())
  var ours: String

  @Argument(help: "The other side.", completion: .file())
  var theirs: String

  @Option(name: [.short, .long], help: "The file to write.")
  var output: String

  @Option(
    help: """
      What becomes of tensors that both changed: ours, theirs (slots with them), average, or \
      sum-of-changes (base + both changes; running means are averaged).
      """)
  var strategy: MergeStrategy?

  @Option(help: "Whose settings count where both changed one, such as the learning rate.")
  var settings: MergeSide?

  @Option(help: "Merge variables of these names row by row, as embeddings are. Repeatable.")
  var rows: [String] = []

  @Option(
    name: .customLong("profile"),
    help: "Write another layout: \(Profile.all.map(\.name).joined(separator: ", ")).")
  var profileName: String?

  @Flag(help: "Print what would happen; write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var printing: PrintingOptions

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try FilterOptions.validate(patterns: rows)
    try InputFiles.validate(base, ours, theirs)
    if let profileName { _ = try Profile.named(profileName) }
  }

  private func requireNames(in manifests: [CheckpointManifest]) throws(CheckpointError) {
    try TensorFilter(only: rows.compactMap { Glob($0) }).requireNames(
      in: manifests, to: "merge", path: ours)
  }

  func run() throws {
    var isComplete = true
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      // Weights files take names and ties from whichever of the three tells them.
      let first = try inputs.open(ours, verifying: reading.verifying)
      let base = try inputs.open(base, architectureFrom: first, verifying: reading.verifying)
      let ours = try inputs.open(ours, architectureFrom: base, verifying: reading.verifying)
      let theirs = try inputs.open(theirs, architectureFrom: ours, verifying: reading.verifying)
      try requireNames(in: [base.manifest, ours.manifest, theirs.manifest])
      let byteCount =
        base.manifest.byteCount + ours.manifest.byteCount + theirs.manifest.byteCount
      let merge = try ProgressLine.showing("comparing", byteCount: byteCount) {
        () throws(CheckpointError) in
        try CheckpointMerge(
          base: base, ours: ours, theirs: theirs,
          options: MergeOptions(
            strategy: strategy, settings: settings, rowWise: rows.compactMap { Glob($0) }))
      }
      isComplete = merge.isComplete
      Console.print(MergeReport(merge), printing.style)
      guard isComplete, !dryRun else { return }
      // One of them is copied, then all are read again and the merged tensors written.
      try ProgressLine.showing("writing", byteCount: byteCount + 3 * ours.manifest.byteCount) {
        () throws(CheckpointError) in
        try merge.write(
          base: base, ours: ours, theirs: theirs, to: output,
          profile: profileName.flatMap { Profile(name: $0) }, replacing: force)
      }
      if printing.format == .text { Console.printLine("wrote \(output)") }
    }
    if !isComplete { throw ExitCode(1) }
  }
}

extension MergeStrategy: ExpressibleByArgument {}
extension MergeSide: ExpressibleByArgument {}
