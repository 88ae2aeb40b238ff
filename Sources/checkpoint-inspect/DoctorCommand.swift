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
      which training begins.
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
        return try Examination(file.path, named: file.name, by: .itself)
      }
      let input = try inputs.file(file)
      let examination = try Examination(
        input.path, named: input.name, by: .itself, namesFrom: older)
      guard let rescue else {
        let report = DoctorReport(examination)
        isGood = report.isWhole
        Console.print(report, printing)
        return
      }
      do throws(CheckpointError) {
        let log = try examination.rescue(
          to: rescue, older: older, fill: fill, keepingSuspect: keepSuspect)
        Console.print(DoctorReport(examination, rescue: log), printing)
      } catch {
        // What is lost is printed also, and above all, when nothing can be written.
        Console.print(DoctorReport(examination), printing)
        throw error
      }
    }
    if !isGood { throw ExitCode(1) }
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
