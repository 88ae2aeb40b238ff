import ArgumentParser
import Checkpoints
import Inspection

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

struct GitSetupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "git-setup",
    abstract: "Make git show checkpoints as text: git diff, git log -p, git difftool.",
    discussion: """
      Sets diff.checkpoint.textconv and difftool.checkpoint.cmd in the repository's configuration, and \
      adds lines for *.h5, *.weights.h5 and *.keras to its .gitattributes; with --global in your own \
      configuration and attributes, for all repositories. Doing it again changes nothing.
      Examples:
        checkpoint-inspect git-setup
        git diff HEAD~ model.h5
        git difftool --tool checkpoint HEAD~ model.h5
      """)

  @Flag(help: "For all of your repositories, not this one.")
  var global = false

  @Flag(help: "Take the settings and lines away again.")
  var remove = false

  func run() throws {
    try Console.reportingTrouble { _ throws(CheckpointError) in
      let git = Git(isGlobal: global)
      let attributes = try git.attributesFile()
      let program = Git.shellWord(Self.program)
      let settings = [
        ("diff.\(GitAttributes.driver).textconv", "\(program) git-textconv"),
        ("difftool.\(GitAttributes.driver).cmd", "\(program) diff \"$LOCAL\" \"$REMOTE\""),
      ]
      for (key, value) in settings {
        if remove { try git.unset(key) } else { try git.set(key, value) }
      }
      let old = try Git.content(of: attributes)
      let new = remove ? GitAttributes.removing(from: old) : GitAttributes.adding(to: old)
      if new != old { try Git.write(new, to: attributes) }
      Console.printLine(
        remove
          ? "git shows checkpoints as it did before"
          : "git shows \(GitAttributes.patterns.joined(separator: ", ")) through checkpoint-inspect"
            + " (\(attributes))")
    }
  }

  /// How git finds this program: by its name where that leads here, else by its path.
  private static var program: String {
    let name = CheckpointInspect.configuration.commandName!
    guard let own = realPath("/proc/self/exe") ?? realPath(CommandLine.arguments[0]) else {
      return name
    }
    let folders = getenv("PATH").map { String(cString: $0) } ?? ""
    for folder in folders.split(separator: ":") {
      guard let found = realPath("\(folder)/\(name)") else { continue }
      return found == own ? name : own
    }
    return own
  }

  private static func realPath(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }
}

/// What git runs for each version of a file: prints it as text.
struct GitTextCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "git-textconv",
    abstract: "A checkpoint as text for git diff; git-setup makes git call it.",
    discussion: "Example: checkpoint-inspect git-textconv model.h5", shouldDisplay: false)

  @Argument(help: "The file.", completion: .file())
  var file: String

  func run() throws {
    try Console.reportingTrouble { inputs throws(CheckpointError) in
      var lines: [String]
      do throws(CheckpointError) {
        lines = try GitSummary(inputs.open(file, verifying: false)).lines
      } catch {
        // git stops at the first file whose text it does not get, and not all .h5 files are checkpoints.
        guard let bytes = try Git.bytes(of: inputs.file(file).path) else { throw error }
        var digest = SHA256()
        bytes.withUnsafeBytes { digest.update($0) }
        lines = GitSummary.standIn(
          byteCount: bytes.count, digest: "SHA-256 \(digest.finalize())", error)
      }
      for line in lines { print(line) }
    }
  }
}
