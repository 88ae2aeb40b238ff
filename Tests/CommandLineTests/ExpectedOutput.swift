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
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
      path: "Expected/\(name)")
    if ProcessInfo.processInfo.environment["CAIRN_RECORD_EXPECTED"] != nil {
      try outcome.output.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    let expected = try String(contentsOf: file, encoding: .utf8)
    #expect(outcome.output == expected, sourceLocation: sourceLocation)
  }
}
