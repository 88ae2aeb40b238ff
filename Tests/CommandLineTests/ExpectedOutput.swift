import Foundation
import TestSupport
import Testing

/// Whole outputs of `checkpoint-inspect`, run in `Fixtures/` unless told otherwise, as `Expected/` has them.
///
/// With the environment variable `CAIRN_RECORD_EXPECTED` set the files are written anew instead: read
/// what `git diff` says before committing.
enum ExpectedOutput {
  static func check(
    _ name: String, _ arguments: [String], in folder: String = Fixture.path(""),
    exitCode: Int32 = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try BuiltProduct.checkpointInspect.run(arguments, in: folder)
    #expect(outcome.exitCode == exitCode, sourceLocation: sourceLocation)
    #expect(outcome.errors == "", sourceLocation: sourceLocation)
    try compare(outcome.output, with: name, sourceLocation)
  }

  /// Holds whole sessions against a committed transcript: each command line, what it prints, and how it ends
  /// where that is not with 0.
  ///
  /// - Parameter commands: the words behind `checkpoint-inspect`, separated by blanks.
  static func check(
    transcript name: String, _ commands: [String], in folder: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var transcript = ""
    for command in commands {
      let outcome = try BuiltProduct.checkpointInspect.run(
        command.split(separator: " ").map(String.init), in: folder)
      transcript += "$ checkpoint-inspect \(command)\n\(outcome.output)\(outcome.errors)"
      if outcome.exitCode != 0 { transcript += "[exit code \(outcome.exitCode)]\n" }
      transcript += "\n"
    }
    try compare(transcript, with: name, sourceLocation)
  }

  private static func compare(
    _ output: String, with name: String, _ sourceLocation: SourceLocation
  ) throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Expected/\(name)")
    if ProcessInfo.processInfo.environment["CAIRN_RECORD_EXPECTED"] != nil {
      try output.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    #expect(output == expected, sourceLocation: sourceLocation)
  }
}
