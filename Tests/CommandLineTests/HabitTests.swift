import Foundation
import TestSupport
import Testing

@Suite("checkpoint-inspect behaves as tools do") struct HabitTests {
  private static let program = BuiltProduct.checkpointInspect
  private static let root = URL(filePath: Fixture.path("")).deletingLastPathComponent().path

  /// The commands that `--help` lists.
  private static func commands() throws -> [String] {
    let lines = try program.run(["--help"]).outputLines
    let start = try #require(lines.firstIndex { $0.hasPrefix("SUBCOMMANDS:") })
    let listed = lines[(start + 1)...].prefix { $0.hasPrefix("  ") && !$0.hasPrefix("  See ") }
    return listed.compactMap { line in
      line.hasPrefix("   ") ? nil : line.split(separator: " ").first.map(String.init)
    }
  }

  @Test("the help of every command has an example")
  func examples() throws {
    let commands = try Self.commands()
    #expect(commands.count >= 8)
    for command in commands where command != "help" {
      let help = try Self.program.run(["help", command])
      #expect(help.exitCode == 0)
      #expect(help.output.contains("Example"), "\(command)")
    }
  }

  @Test("a misspelled command, file or tensor is answered with the right one")
  func suggestions() throws {
    let folder = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: folder.file("model.h5"))
    let command = try inspect("sohw", "model.h5", in: folder.path)
    #expect(command.exitCode == 64)
    #expect(command.errors.contains("'sohw' is no command; did you mean 'show'?"))
    expectTrouble(
      try inspect("show", "modle.h5", in: folder.path), "No such file", "did you mean 'model.h5'?")
    expectTrouble(
      try inspect("verify", "model.h5", "--only", "dense/kernal", in: folder.path),
      "did you mean 'dense/kernel'?")
  }

  @Test("a misspelled name is answered with the right one wherever a name can be given")
  func names() throws {
    let folder = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      atPath: folder.file("run"), withIntermediateDirectories: false)
    for name in ["model.h5", "run/model.h5"] {
      try FileManager.default.copyItem(
        atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: folder.file(name))
    }
    let model = "model.h5"
    let output = ["-o", "out.h5"]
    let wrong: [([String], code: Int32, meant: String)] = [
      (["diff", model, model, "--only", "dnse/*"], 2, "'dense/*'"),
      (["diff", model, model, "--exclude", "dense/kernal"], 2, "'dense/kernel'"),
      (["show", model, "--exclude", "dense/kernal"], 2, "'dense/kernel'"),
      (["show", model, "dense/kernal"], 2, "'dense/kernel'"),
      (["log", "run", "--only", "dnse/*"], 2, "'dense/*'"),
      (["bisect", "run", "--check", "nan", "--only", "dnse/*"], 2, "'dense/*'"),
      (["watch", "run", "--timeout", "9", "--exclude", "dnse/*"], 2, "'dense/*'"),
      (["verify", model, "--only", "dnse/*"], 2, "'dense/*'"),
      (["merge", model, model, model, "--rows", "dnse/*"] + output, 2, "'dense/*'"),
      (["restore", model, "--into", model, "--only", "dnse/*"] + output, 2, "dense/*"),
      (["restore", "modle.h5", "--into", model] + output, 2, "'model.h5'"),
      (["restore", model, "--into", "modle.h5"] + output, 2, "'model.h5'"),
      (["doctor", model, "--rescue", "x.h5", "--fill-from", "modle.h5"], 2, "'model.h5'"),
      (["log", "rnu"], 2, "'run'"), (["watch", "rnu"], 2, "'run'"),
      (["bisect", "rnu", "--check", "nan"], 2, "'run'"),
      (["convert", model, "x.keras", "--to", "keras3-archve"], 64, "'keras3-archive'"),
      (
        ["merge", model, model, model, "--profile", "keras3-archve"] + output, 64,
        "'keras3-archive'"
      ),
      (["help", "shwo"], 64, "'show'"), (["show", model, "--statistic"], 64, "'--statistics'"),
    ]
    for (arguments, code, meant) in wrong {
      let outcome = try Self.program.run(arguments, in: folder.path)
      #expect(outcome.exitCode == code, "\(arguments)")
      #expect(
        outcome.errors.lowercased().contains("did you mean \(meant)?"),
        "\(arguments): \(outcome.errors)")
    }
    let rename = try inspect(
      "restore", model, "--into", model, "-o", "x.h5", "--rename", "dnse/*=d/*", "--dry-run",
      in: folder.path)
    #expect(rename.output.contains("called dnse/*: did you mean dense/*?"))
  }

  @Test("nothing is said when whoever reads the output goes")
  func brokenPipe() throws {
    for script in [
      #""$0" show "$1" --digests | head -n 1"#,
      // As Python starts programs in some versions: with the signal ignored.
      #"trap '' PIPE; "$0" show "$1" --digests --format json | head -n 1"#,
    ] {
      let outcome = try Self.program.runInShell(script, [Fixture.path("keras-2.12/mlp.h5")])
      #expect(outcome.errors == "")
      #expect(outcome.outputLines.count == 1)
    }
  }

  @Test("no progress is told to anything but a terminal")
  func quiet() throws {
    let folder = try TemporaryDirectory()
    expectSuccess(
      try inspect(
        "convert", Fixture.path("keras-2.12/mlp.h5"), folder.file("x.keras"), "--to",
        "keras3-archive"))
    expectSuccess(try inspect("verify", folder.file("x.keras")))
  }

  @Test("the pages in man/ say what --help says")
  func manuals() throws {
    let outcome = try Self.program.runInShell(
      #"python3 tools/make_manuals.py "$0" --check"#, in: Self.root)
    #expect(outcome.exitCode == 0, "\(outcome.errors) (tools/make_manuals.py writes them)")
  }

  @Test("arguments of any kind end in an answer, never in a crash")
  func anyArguments() throws {
    let words =
      try Self.commands() + [
        "--only", "--exclude", "--format", "json", "csv", "--color", "always", "--to", "-o",
        "--into",
        "--", "-", "", "[", "*", "\u{0}", "\u{202e}", "--rename", "a=b=c", "-1",
        "99999999999999999999", "nan", "--absolute", "--role", "slot", "--rescue", "--fill",
        "/dev/null",
        "--statistics", "--help", "--version", "-h", "é/ü", "walk-damaged-file", "git-textconv",
        Fixture.path("keras-2.12/mlp.h5"), Fixture.path("digits.h5"), Fixture.path(""),
      ]
    let folder = try TemporaryDirectory()
    var source = SplitMix(state: 11)
    for _ in 0..<150 {
      let count = Int.random(in: 0...5, using: &source)
      // A zero ends an argument for the operating system.
      let arguments = (0..<count).map { _ in words.randomElement(using: &source)! }
        .filter { !$0.contains("\u{0}") && $0 != "--install" && $0 != "git-setup" }
      let outcome = try Self.program.run(
        arguments, environment: ["HOME": folder.path], in: folder.path)
      #expect([0, 1, 2, 64].contains(outcome.exitCode), "\(arguments): \(outcome.exitCode)")
      #expect(!outcome.errors.contains("Fatal error"), "\(arguments)")
    }
  }
}

@Suite("Completion by bash") struct CompletionTests {
  /// What bash offers at the end of a line, with `x.h5` in the folder.
  private func complete(_ words: String...) throws -> [String] {
    let folder = try TemporaryDirectory()
    try Data().write(to: URL(filePath: folder.file("x.h5")))
    let script = folder.file("script")
    let program = BuiltProduct.checkpointInspect
    try program.run(["completions", "bash"]).output
      .write(toFile: script, atomically: true, encoding: .utf8)
    // What readline does on TAB: the variables of bash(1), "Programmable Completion".
    let outcome = try program.runInShell(
      """
      exec bash --norc -c '
        . ./script
        line=$1; shift
        COMP_WORDS=(checkpoint-inspect "$@"); COMP_CWORD=$#
        COMP_LINE=$line; COMP_POINT=${#line}; COMP_TYPE=9
        f=$(complete -p checkpoint-inspect | sed "s/.*-F \\\\([^ ]*\\\\).*/\\\\1/")
        "$f" checkpoint-inspect "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
        printf "%s\\n" "${COMPREPLY[@]}"
      ' bash "$@"
      """, [(["checkpoint-inspect"] + words).joined(separator: " ")] + words, in: folder.path)
    #expect(outcome.errors == "")
    return outcome.outputLines
  }

  @Test("completes commands, options and files")
  func completion() throws {
    #expect(try complete("sh") == ["show"])
    #expect(try complete("show", "x") == ["x.h5"])
    #expect(try complete("diff", "x.h5", "x") == ["x.h5"])
    #expect(try complete("doctor", "--fill-") == ["--fill-from"])
    #expect(try complete("doctor", "x.h5", "--fill-from", "x") == ["x.h5"])
  }

  @Test("is installed where the shell looks for it")
  func installation() throws {
    let home = try TemporaryDirectory()
    for (shell, place) in [
      ("bash", ".local/share/bash-completion/completions/checkpoint-inspect"),
      ("zsh", ".zsh/completions/_checkpoint-inspect"),
      ("fish", ".config/fish/completions/checkpoint-inspect.fish"),
    ] {
      let outcome = try BuiltProduct.checkpointInspect.runInShell(
        #"unset XDG_DATA_HOME XDG_CONFIG_HOME ZDOTDIR BASH_COMPLETION_USER_DIR; HOME="$1"; export HOME; exec "$0" completions "$2" --install"#,
        [home.path, shell])
      expectSuccess(outcome)
      let script = try BuiltProduct.checkpointInspect.run(["completions", shell]).output
      #expect(try text(of: home.file(place)) == script)
    }
  }
}
