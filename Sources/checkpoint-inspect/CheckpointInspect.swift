import ArgumentParser
import Checkpoints

/// Looks into Keras checkpoints, compares them, and carries tensors from one into another.
@main
struct CheckpointInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint-inspect",
    abstract: "Look into Keras checkpoints, compare them, take tensors from one into another.",
    discussion: """
      Exit codes: 0 same or done, 1 differences found, 2 trouble (a file that cannot be read or \
      written, or something would be lost), 64 wrong usage.
      """,
    subcommands: [
      ShowCommand.self, DiffCommand.self, RestoreCommand.self, ConvertCommand.self,
      ExportCommand.self, VerifyCommand.self, LogCommand.self, DoctorCommand.self,
      WalkCommand.self,
    ])

  static func main() {
    Console.openMissingStreams()
    main(nil)
  }
}
