import Foundation
import HDF5
import TestSupport
import Testing

@Suite("standard streams")
struct StreamTests {
  static let model = Fixture.path("keras-3.15/mlp_ema.h5")

  @Test("a reader that goes away ends the program without a word, or with one line")
  func brokenPipe() throws {
    // The signal ends it, unless whoever started the tests ignores the signal.
    let script = #"{ sleep 0.3; "$0" "$@"; echo "code $?" >&2; } | true; sleep 0.5"#
    let model = Self.model
    for arguments in [
      ["show", model], ["show", model, "--format", "json"], ["diff", model, model],
    ] {
      let outcome = try BuiltProduct.checkpointInspect.runInShell(script, arguments)
      #expect(
        outcome.errorLines == ["code 141"]
          || outcome.errorLines == [
            "checkpoint-inspect: cannot write to standard output: Broken pipe", "code 2",
          ], "\(outcome.errors)")
    }
  }

  @Test("what cannot be printed is trouble, help and completions too")
  func fullOutput() throws {
    let model = Self.model
    for arguments in [
      ["show", model], ["diff", model, model], ["verify", model], ["--help"], ["help", "show"],
      ["completions", "bash"], ["show", model, "--format", "json"],
    ] {
      let outcome = try BuiltProduct.checkpointInspect.runInShell(
        #"exec "$0" "$@" > /dev/full"#, arguments)
      expectTrouble(outcome, "cannot write to standard output: No space left on device")
    }
  }

  @Test("with standard output closed nothing is printed into a file of the run")
  func closedOutput() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    for (name, redirection) in [("open", ""), ("closed", "<&- >&- 2>&-")] {
      let outcome = try BuiltProduct.cairn.runInShell(
        #"exec "$0" "$@" \#(redirection)"#,
        [
          "train", folder.file("data.h5"), "--epochs", "3", "--batch-size", "8", "--history",
          folder.file("\(name).csv"), "--output", folder.file("\(name).h5"),
        ])
      #expect(outcome.exitCode == 0)
    }
    #expect(try contents(of: folder.file("open.csv")) == contents(of: folder.file("closed.csv")))
    #expect(try contents(of: folder.file("open.h5")) == contents(of: folder.file("closed.h5")))
    let shown = try BuiltProduct.checkpointInspect.runInShell(
      #"exec "$0" "$@" >&-"#, ["show", Self.model])
    expectSuccess(shown)
  }

  @Test("what is piped is plain")
  func plain() throws {
    let folder = try TemporaryDirectory()
    let outcomes = [
      try cairn("train", "--epochs", "1", "--output", folder.file("a.h5")),
      try cairn("evaluate", "--model", folder.file("a.h5")), try inspect("show", Self.model),
      try inspect("diff", Self.model, folder.file("a.h5")),
    ]
    for outcome in outcomes {
      #expect(!outcome.output.contains("\u{1B}") && !outcome.output.contains("\r"))
      #expect(outcome.errors == "")
    }
  }

  @Test("names in files and of files cannot steer the terminal nor break the line")
  func controlCharacters() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("a\n\u{1B}[31m.h5")
    expectTrouble(try inspect("show", model), "a\\n\\u{1B}[31m.h5")
    expectTrouble(try cairn("evaluate", "--model", model), "a\\n\\u{1B}[31m.h5")
    try DataFiles.altered(Fixture.path("keras-2.12/mlp.h5"), as: model) { root in
      let text = try root.attributes.string("model_config")
      try root.attributes.setString(
        text.replacing("\"sequential\"", with: #""se\u001b[31m\n""#), for: "model_config")
    }
    for outcome in [try inspect("show", model), try inspect("diff", model, Self.model)] {
      #expect(!outcome.output.contains("\u{1B}"))
      #expect(outcome.errors == "")
    }
    #expect(try inspect("show", model).output.contains(#"model se\u{1B}[31m\n (Sequential)"#))
  }

  static let hasScript =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

  @Test(
    "a terminal sees a progress bar, and a line an epoch below it",
    .enabled(if: hasScript, "the program `script`, which gives a terminal, is not installed"))
  func progressBar() throws {
    let folder = try TemporaryDirectory()
    let log = folder.file("log")
    let outcome = try BuiltProduct.cairn.runInShell(
      #"exec script --quiet --return --command "'$0' train --epochs 2" "$1" </dev/null >/dev/null"#,
      [log])
    #expect(outcome.exitCode == 0)
    let shown = try text(of: log)
    #expect(shown.contains("░ 1/45  loss "))
    #expect(shown.contains("\r\u{1B}[Kepoch 2/2  loss "))
  }
}

extension StreamTests {
  /// What a terminal would get.
  private func shown(_ variables: String, _ arguments: String) throws -> String {
    let folder = try TemporaryDirectory()
    let log = folder.file("log")
    let outcome = try BuiltProduct.checkpointInspect.runInShell(
      #"exec env -u NO_COLOR \#(variables) script --quiet --return --command "'$0' show '$2' \#(arguments)" "$1" </dev/null >/dev/null"#,
      [log, Self.model])
    #expect(outcome.exitCode == 0)
    return try text(of: log)
  }

  @Test(
    "a terminal gets colours, unless it is told not to",
    .enabled(if: hasScript, "the program `script`, which gives a terminal, is not installed"))
  func colours() throws {
    let bold = "\u{1B}[1m"
    #expect(try shown("TERM=xterm", "").contains("\(bold)dense\u{1B}[0m"))
    #expect(try shown("TERM=xterm NO_COLOR=", "").contains(bold))
    #expect(try shown("TERM=xterm NO_COLOR=1 ", "--color always").contains(bold))
    for (variables, arguments) in [
      ("TERM=xterm NO_COLOR=1", ""), ("TERM=dumb", ""), ("-u TERM", ""),
      ("TERM=xterm", "--color never"), ("TERM=xterm", "--format json"),
    ] {
      let shown = try shown(variables, arguments)
      #expect(shown.contains("kernel") && !shown.contains("\u{1B}["), "\(variables) \(arguments)")
    }
    let piped = try inspect("show", Self.model, "--color", "always")
    #expect(piped.output.contains(bold))
  }
}
