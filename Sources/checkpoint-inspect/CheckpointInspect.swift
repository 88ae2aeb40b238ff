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
    version: "checkpoint-inspect \(CairnVersion.current)",
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
    if let file = shownFile { run { try ShowRequest(file: file).run() } }
    if let word = commandWord {
      guard let command = command(named: word) else { refuse(word) }
      run(command)
    }
    main(nil)
  }

  /// The word that names the command; nil for options and for nothing.
  private static var commandWord: String? {
    let words = CommandLine.arguments.dropFirst()
    let word = words.first == "help" ? words.dropFirst().first : words.first
    return word.flatMap { $0.hasPrefix("-") ? nil : $0 }
  }

  /// The file of `show FILE`.
  private static var shownFile: String? {
    let words = CommandLine.arguments.dropFirst()
    guard words.count == 2, words.first == "show", let file = words.last,
      file == "-" || !file.hasPrefix("-")
    else { return nil }
    return file
  }

  private static func command(named name: String) -> (any ParsableCommand.Type)? {
    configuration.subcommands.first { $0.configuration.commandName == name }
  }

  /// Runs a command for what follows it on the command line, without a look at the other commands: that
  /// saves a twentieth of what a small file takes. Returns where the words ask for help or are wrong, which
  /// ArgumentParser tells better when it knows the whole tool.
  private static func run(_ type: any ParsableCommand.Type) {
    let words = CommandLine.arguments.dropFirst()
    guard words.first != "help",
      var command = try? type.parseAsRoot(Array(words.dropFirst()))
    else { return }
    run { try command.run() }
  }

  private static func run(_ work: () throws -> Void) -> Never {
    do {
      try work()
      exit()
    } catch {
      exit(withError: error)
    }
  }

  /// ArgumentParser calls a command that it does not know an unexpected argument.
  private static func refuse(_ word: String) -> Never {
    let known = configuration.subcommands.map { $0.configuration }
    let names = known.filter(\.shouldDisplay).compactMap(\.commandName)
    let meant = Suggestion.nearest(to: word, among: names)
    let cure = meant.map { "did you mean '\($0)'?" } ?? "there are \(names.joined(separator: ", "))"
    exit(
      withError: ValidationError(
        "'\(word)' is no command; \(cure)".withoutControlCharacters))
  }
}
