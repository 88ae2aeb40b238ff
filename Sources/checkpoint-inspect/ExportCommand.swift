import ArgumentParser
import Checkpoints

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Write all tensors under their names for other programs: safetensors or NumPy's .npz.",
    discussion: """
      Names are the same whatever the layout; roles, owners of slots, arithmetic and configurations \
      stand in the file's metadata. show, diff, restore and convert take the file like any checkpoint, \
      so this is also the way back.
      Example: checkpoint-inspect export model.keras model.safetensors
      """)

  @Argument(
    help: "The checkpoint to read, or - to read it from standard input.", completion: .file())
  var input: String

  @Argument(help: "The file to write, OUT.safetensors or OUT.npz.", completion: .file())
  var output: String

  @Flag(help: "Replace the output if it exists.")
  var force = false

  @OptionGroup var reading: ReadingOptions

  private var format: ExportFormat? {
    ExportFormat.allCases.first { output.hasSuffix($0.fileSuffix) }
  }

  func validate() throws {
    if format == nil {
      throw ValidationError(
        "the name of the output must end in "
          + ExportFormat.allCases.map(\.fileSuffix).joined(separator: " or "))
    }
  }

  func run() throws {
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      guard let format else { return }
      let reader = try inputs.open(input, verifying: reading.verifying)
      // Everything is read once and written once.
      let work = 2 * reader.manifest.byteCount
      let missing = try ProgressLine.showing("exporting", byteCount: work) {
        () throws(CheckpointError) in
        try reader.export(to: output, format: format, replacing: force)
      }
      for missing in missing { Console.printLine("left out: \(missing)") }
      Console.printLine("wrote \(reader.manifest.entries.count) tensors to \(output)")
    }
  }
}
