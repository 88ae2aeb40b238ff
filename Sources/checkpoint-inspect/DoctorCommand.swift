public import ArgumentParser
public import Checkpoints
import Inspection

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "What is left of a damaged checkpoint, and a rescue of it.",
    discussion: """
      Reads what can be read of a file that is cut short, overwritten in part or does not open. Each \
      tensor is intact (proven by digests or a checksum), plausible (readable, nothing speaks against \
      it), suspect, damaged, unreadable or missing, and why. --rescue writes a checkpoint that opens, of \
      the intact and plausible tensors, in the layout of the damaged one; what is lost comes from an older \
      checkpoint or is made up, and is listed. All layouts are taken: HDF5 files, .keras, folders, sharded \
      weights by their map, .safetensors and .npz.
      Exit code 0: nothing wrong found, or the rescue was written; 1: damage; 2: trouble.
      Examples:
        checkpoint-inspect doctor broken.h5
        checkpoint-inspect doctor broken.h5 --rescue saved.h5 --fill-from yesterday.h5
        checkpoint-inspect doctor x.weights.json --rescue saved.weights.json
      """)

  @Argument(
    help: "The damaged checkpoint, or - to read it from standard input.", completion: .file())
  var file: String

  @Option(help: "Write a checkpoint of what is left. An existing file is never replaced.")
  var rescue: String?

  @Option(
    help: "Take what is lost from this older checkpoint of the same model and layout.",
    completion: .file())
  var fillFrom: String?

  @Option(
    help: """
      Make up what is lost, and not in the older checkpoint: zeros, or initial for the values with \
      which training begins; or, in .npz and .safetensors, nothing to leave it out.
      """)
  var fill: RescueFill?

  @Flag(help: "Take tensors whose values do not look right, too.")
  var keepSuspect = false

  @OptionGroup var printing: PrintingOptions

  func validate() throws {
    if rescue == nil, fillFrom != nil || fill != nil || keepSuspect {
      throw ValidationError("--fill-from, --fill and --keep-suspect need --rescue OUT")
    }
  }

  func run() throws {
    var isGood = true
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      let older = try fillFrom.map { path throws(CheckpointError) in
        let file = try inputs.file(path)
        return try Self.examine(file)
      }
      let examination = try Self.examine(inputs.file(file), namesFrom: older)
      guard let rescue else {
        let report = DoctorReport(examination)
        isGood = report.isWhole
        Console.print(report, printing.style)
        return
      }
      do throws(CheckpointError) {
        // What is kept is read and written.
        let byteCount = examination.findings.reduce(0) { $0 + 2 * ($1.byteCount ?? 0) }
        let log = try ProgressLine.showing("rescuing", byteCount: byteCount) {
          () throws(CheckpointError) in
          try examination.rescue(
            to: rescue, older: older, fill: fill, keepingSuspect: keepSuspect)
        }
        Console.print(DoctorReport(examination, rescue: log), printing.style)
      } catch {
        // What is lost is printed also, and above all, when nothing can be written.
        Console.print(DoctorReport(examination), printing.style)
        throw error
      }
    }
    if !isGood { throw ExitCode(1) }
  }

  private static func examine(
    _ file: InputFile, namesFrom older: Examination? = nil
  ) throws(CheckpointError) -> Examination {
    // Everything is read in search of digests, for its numbers, and for the digests that are there.
    let byteCount = 3 * CheckpointReader.fileByteCount(of: file.path)
    return try ProgressLine.showing("examining", byteCount: byteCount) {
      () throws(CheckpointError) in
      try Examination(file.path, named: file.name, by: .itself, namesFrom: older)
    }
  }
}

extension RescueFill: ExpressibleByArgument {}

extension WalkingProgram {
  /// This program, which reads damaged files in a process of its own.
  static var itself: WalkingProgram {
    #if os(Linux)
      let executable = "/proc/self/exe"
    #else
      let executable = CommandLine.arguments[0]
    #endif
    return WalkingProgram(
      executable: executable, leadingArguments: [WalkCommand.configuration.commandName!])
  }
}
