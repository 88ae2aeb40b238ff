import ArgumentParser
import Checkpoints

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Completion of commands, options and files by the TAB key: bash, zsh, fish.",
    discussion: """
      Prints the script for a shell, or with --install puts it where that shell looks for such scripts \
      of yours; new shells have it.
      Examples:
        checkpoint-inspect completions bash --install
        source <(checkpoint-inspect completions bash)
      """)

  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var kind: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "The shell: \(Shell.allCases.map(\.rawValue).joined(separator: ", ")).")
  var shell: Shell

  @Flag(help: "Write the script to its place below your home folder.")
  var install = false

  func run() throws {
    let script = CheckpointInspect.completionScript(for: shell.kind)
    try Console.reportingTrouble { _ throws(CheckpointError) in
      guard install else {
        print(script)
        return
      }
      let folder = try folder()
      Self.makeFolders(folder)
      let path = "\(folder)/\(fileName)"
      try Git.write(script + "\n", to: path)
      Console.printLine("wrote \(path)")
      if shell == .zsh {
        Console.printLine("in ~/.zshrc, before compinit: fpath=(\(folder) $fpath)")
      }
    }
  }

  private var fileName: String {
    let name = CheckpointInspect.configuration.commandName!
    switch shell {
    case .bash: return name
    case .zsh: return "_\(name)"
    case .fish: return "\(name).fish"
    }
  }

  /// Where the shell, or bash-completion for bash, looks for a user's own completions.
  private func folder() throws(CheckpointError) -> String {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard let home = variable("HOME") else {
      throw CheckpointError(
        .unwritable, "cannot install", path: fileName, problem: "HOME is not set", cure: "set it")
    }
    switch shell {
    case .bash:
      let data = variable("XDG_DATA_HOME") ?? "\(home)/.local/share"
      return variable("BASH_COMPLETION_USER_DIR").map { "\($0)/completions" }
        ?? "\(data)/bash-completion/completions"
    case .zsh: return "\(variable("ZDOTDIR") ?? home)/.zsh/completions"
    case .fish: return "\(variable("XDG_CONFIG_HOME") ?? "\(home)/.config")/fish/completions"
    }
  }

  private static func makeFolders(_ path: String) {
    var folder = ""
    for name in path.split(separator: "/") {
      folder += "/\(name)"
      mkdir(folder, 0o755)
    }
  }
}
