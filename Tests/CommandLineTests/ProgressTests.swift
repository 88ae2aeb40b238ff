import Foundation
import TestSupport
import Testing

@Suite("Progress") struct ProgressTests {
  private static let program = BuiltProduct.checkpointInspect
  /// All work tells something, however short it is.
  private static let atOnce = ["CHECKPOINT_INSPECT_PROGRESS_DELAY": "0"]
  /// What takes the line back on a terminal.
  private static let erasure = "\r\u{1B}[K"

  /// Command lines of all commands that read tensors, and the words of each work in them.
  private static let works: [(arguments: [String], words: [String])] = [
    (["show", "whole.h5", "--statistics"], ["reading"]),
    (["show", "whole.h5", "--health", "--html", "show.html"], ["reading", "drawing"]),
    (["show", "whole.h5", "dense/kernel"], ["reading"]),
    (["diff", "before.h5", "whole.h5"], ["comparing"]),
    (["diff", "before.h5", "whole.h5", "--html", "diff.html"], ["comparing", "drawing"]),
    (["restore", "whole.h5", "--into", "before.h5", "-o", "restored.h5"], ["restoring"]),
    (["convert", "whole.h5", "converted.keras", "--to", "keras3-archive"], ["converting"]),
    (["export", "whole.h5", "exported.npz"], ["exporting"]),
    (["verify", "archive.keras"], ["verifying"]),
    (["verify", "shards.weights.json"], ["verifying"]),
    (["verify", "run"], ["verifying"]),
    (["merge", "before.h5", "before.h5", "whole.h5", "-o", "m.h5"], ["comparing", "writing"]),
    (["log", "run"], ["reading"]),
    (["bisect", "run", "--check", "nan"], ["reading run/before.h5", "reading run/whole.h5"]),
    (["bisect", "run", "--check", "frozen"], ["reading run/before.h5", "reading run/whole.h5"]),
    (
      ["bisect", "run", "--check", "impossible-step"],
      ["reading run/before.h5", "reading run/whole.h5"]
    ),
    (["doctor", "whole.h5"], ["examining"]), (["doctor", "plain.npz"], ["examining"]),
    (
      ["doctor", "whole.h5", "--rescue", "rescued.h5", "--fill-from", "before.h5"],
      ["examining", "rescuing"]
    ),
  ]

  /// Checkpoints of all layouts, and two that are a run.
  private static func filesWithRun() throws -> LayoutFiles {
    let files = try LayoutFiles()
    try FileManager.default.createDirectory(
      atPath: files.folder.file("run"), withIntermediateDirectories: false)
    let run = ["before.h5", "whole.h5"]
    for name in run {
      try FileManager.default.copyItem(
        atPath: files.folder.file(name), toPath: files.folder.file("run/\(name)"))
    }
    try files.setTimes(run.map { "run/\($0)" })
    return files
  }

  @Test("is told on terminals by every command that reads tensors, and taken back")
  func terminals() throws {
    let files = try Self.filesWithRun()
    for (arguments, words) in Self.works {
      let outcome = try Self.program.run(
        onTerminalOf: 0, arguments, environment: Self.atOnce, in: files.folder.path)
      #expect([0, 1, 2].contains(outcome.exitCode))
      let lines = outcome.errors.components(separatedBy: Self.erasure).filter { !$0.isEmpty }
      for word in words {
        #expect(lines.contains { $0.hasPrefix("\(word)  0 ") }, "\(arguments): \(lines)")
      }
      let known = words.map { "\($0)  " } + ["opening "]
      #expect(lines.allSatisfy { line in known.contains { line.hasPrefix($0) } }, "\(lines)")
      #expect(outcome.errors.hasSuffix(Self.erasure), "\(arguments)")
    }
  }

  @Test("is told to nothing but a terminal that obeys, and not before its time")
  func silence() throws {
    let files = try Self.filesWithRun()
    for (arguments, _) in Self.works {
      let outcome = try Self.program.run(
        arguments, environment: Self.atOnce.merging(["TERM": "xterm"]) { $1 },
        in: files.folder.path)
      #expect(outcome.errors == "", "\(arguments)")
    }
    let verify = ["verify", Fixture.path("keras-2.12/mlp.h5")]
    let dumb = Self.atOnce.merging(["TERM": "dumb"]) { $1 }
    let never = ["CHECKPOINT_INSPECT_PROGRESS_DELAY": "1e9"]
    for environment in [dumb, never] {
      let outcome = try Self.program.run(onTerminalOf: 80, verify, environment: environment)
      #expect(outcome.exitCode == 0)
      #expect(outcome.errors == "")
    }
  }

  @Test("fits the terminal")
  func narrow() throws {
    let verify = ["verify", Fixture.path("keras-2.12/mlp.h5")]
    for (columns, line) in [(UInt16(16), "verifying  0 %"), (14, "0 %"), (3, "")] {
      let outcome = try Self.program.run(
        onTerminalOf: columns, verify, environment: Self.atOnce)
      #expect(outcome.errors.components(separatedBy: Self.erasure).contains(line))
      #expect(!outcome.errors.contains("0 B of"))
    }
  }

  @Test("is told of work that takes long: here for want of input")
  func longWork() throws {
    let model = try Data(contentsOf: URL(filePath: Fixture.path("keras-2.12/mlp.h5")))
    let input = Pipe()
    let writer = input.fileHandleForWriting
    try writer.write(contentsOf: model.prefix(4096))
    var isFed = false
    let outcome = try Self.program.run(
      onTerminalOf: 80, ["verify", "-"], input: input
    ) { text in
      guard !isFed, text.contains("KiB") else { return }
      isFed = true
      // More than the pipe takes at once.
      DispatchQueue.global().async {
        try? writer.write(contentsOf: model.dropFirst(4096))
        try? writer.close()
      }
    }
    #expect(outcome.exitCode == 0)
    #expect(outcome.errors.hasPrefix("\(Self.erasure)reading standard input  4."))
    #expect(outcome.errors.hasSuffix(Self.erasure))
  }

  @Test("is not told where a command of one's own has the terminal")
  func commands() throws {
    let files = try Self.filesWithRun()
    let outcome = try Self.program.run(
      onTerminalOf: 80, ["bisect", "run", "--", "sh", "-c", "echo $1 >&2", "sh", "{}"],
      environment: Self.atOnce, in: files.folder.path)
    #expect(outcome.exitCode == 0)
    #expect(outcome.errors.contains("whole.h5\r\n"))
    #expect(!outcome.errors.contains(Self.erasure))
  }
}
