import ArgumentParser
import Checkpoints
import Inspection

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

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
      ExportCommand.self, VerifyCommand.self, MergeCommand.self, LogCommand.self,
      BisectCommand.self, WatchCommand.self, DoctorCommand.self, CompletionsCommand.self,
      GitSetupCommand.self, GitTextCommand.self, WalkCommand.self,
    ])

  static func main() {
    // Some programs start others with this signal ignored; `| head` is to end us without a word.
    signal(SIGPIPE, SIG_DFL)
    Console.openMissingStreams()
    Console.checkOutputAtExit()
    refuseUnknownCommand()
    main(nil)
  }

  /// ArgumentParser calls a command that it does not know an unexpected argument.
  private static func refuseUnknownCommand() {
    let words = CommandLine.arguments.dropFirst()
    guard let word = words.first == "help" ? words.dropFirst().first : words.first,
      !word.hasPrefix("-")
    else { return }
    let known = configuration.subcommands.map { $0.configuration }
    guard !known.contains(where: { $0.commandName == word }) else { return }
    let names = known.filter { $0.shouldDisplay }.compactMap { $0.commandName }
    let meant = Suggestion.nearest(to: word, among: names)
    let cure = meant.map { "did you mean '\($0)'?" } ?? "there are \(names.joined(separator: ", "))"
    exit(
      withError: ValidationError(
        "'\(word)' is no command; \(cure)".withoutControlCharacters))
  }
}
