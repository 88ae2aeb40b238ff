import Foundation
import TestSupport
import Testing

@Suite("checkpoints from pipes and standard input") struct PipeTests {
  private static let a = Fixture.path("keras-2.12/mlp.h5")
  private static let b = Fixture.path("keras-2.12/mlp_ema.h5")

  /// Runs a script of bash with the program as `$0`, the two checkpoints as `$1` and `$2`.
  private func bash(_ script: String, in folder: String) throws -> Outcome {
    try BuiltProduct.checkpointInspect.runInShell(
      #"exec timeout 60 bash -c "$3" "$0" "$1" "$2""#, [Self.a, Self.b, script], in: folder)
  }

  @Test(
    "give what files give",
    arguments: [
      (#"diff "$1" "$2""#, #"diff <(cat "$1") <(cat "$2")"#),
      (#"diff "$1" "$2""#, #"diff - "$2" < "$1""#),
      (#"diff "$1" "$2""#, #"diff <(cat "$1") - < "$2""#),
      (#"verify "$1""#, #"verify - < "$1""#), (#"verify "$1""#, #"verify <(cat "$1")"#),
      (#"doctor "$1""#, #"doctor - < "$1""#), (#"doctor "$1""#, #"doctor <(cat "$1")"#),
      (#"git-textconv "$1""#, #"git-textconv <(cat "$1")"#),
      (#"show "$1" dense/kernel"#, #"show <(cat "$1") dense/kernel"#),
    ])
  func same(files: String, pipes: String) throws {
    let folder = try TemporaryDirectory()
    let expected = try bash(#""$0" "# + files, in: folder.path)
    let found = try bash(#""$0" "# + pipes, in: folder.path)
    #expect(found.errors == "")
    #expect(found.exitCode == expected.exitCode)
    #expect(found.output == expected.output)
  }

  @Test("make the same outputs as files do")
  func outputs() throws {
    let folder = try TemporaryDirectory()
    for (name, command) in [
      ("convert", #"convert %1 %o.keras --to keras3-archive"#), ("export", #"export %1 %o.npz"#),
      ("restore", #"restore %1 --into %2 -o %o.h5 --only '*bias' --exclude 'average/*'"#),
      ("merge", #"merge %1 %1 %1 -o %o.h5"#),
    ] {
      for (number, input) in [#""$%""#, #"<(cat "$%")"#].enumerated() {
        let script =
          #""$0" "#
          + command.replacing("%1", with: input.replacing("%", with: "1"))
          .replacing("%2", with: input.replacing("%", with: "2"))
          .replacing("%o", with: "\(name)-\(number)")
        expectSuccess(try bash(script, in: folder.path))
      }
      let names = try folder.names().filter { $0.hasPrefix("\(name)-") }
      try #require(names.count == 2)
      expectSuccess(try inspect("diff", folder.file(names[0]), folder.file(names[1])))
    }
  }

  @Test("are called by their names in reports and errors")
  func names() throws {
    let folder = try TemporaryDirectory()
    let json = try bash(#""$0" verify - --format json < "$1""#, in: folder.path)
    #expect(json.output.contains(#""path": "standard input""#))
    #expect(!json.output.contains("/dev/fd"))
    for command in ["show -", "diff - \"$2\"", "verify -", "convert - x.keras --to keras3-archive"]
    {
      let outcome = try bash("echo no checkpoint | \"$0\" \(command)", in: folder.path)
      expectTrouble(outcome, "cannot read standard input: ")
    }
    let usage = try bash(#""$0" diff - - < "$1""#, in: folder.path)
    #expect(usage.exitCode == 64)
    #expect(usage.errors.contains("standard input is one file"))
  }

  @Test("are never replaced as outputs, nor are devices")
  func specialOutputs() throws {
    let folder = try TemporaryDirectory()
    #expect(mkfifo(folder.file("p.h5"), 0o600) == 0)
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link.h5"), withDestinationPath: "p.h5")
    for name in ["p.h5", "link.h5"] {
      let path = folder.file(name)
      for arguments in [
        ["restore", Self.a, "--into", Self.a, "-o", path], ["show", Self.a, "--html", path],
        ["convert", Self.a, path, "--to", "keras2-h5"],
        ["merge", Self.a, Self.a, Self.a, "-o", path],
      ] {
        expectTrouble(
          try BuiltProduct.checkpointInspect.run(arguments + ["--force"]), path,
          "found a device, a pipe or a socket")
      }
    }
    #expect(try folder.names() == ["link.h5", "p.h5"])
    var status = stat()
    #expect(lstat(folder.file("p.h5"), &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
  }
}
