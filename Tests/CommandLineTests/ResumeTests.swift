import Foundation
import TestSupport
import Testing

/// A run over the digits in 120 steps that saves every third, its results in `folder`.
private struct Run {
  let folder: String

  var checkpoints: String { "\(folder)/run" }
  var output: String { "\(folder)/out.h5" }
  var history: String { "\(folder)/history.csv" }

  var arguments: [String] {
    [
      "train", "--epochs", "10", "--batch-size", "128", "--ema", "0.9", "--seed", "3",
      "--save-every-steps", "3", "--checkpoints", checkpoints, "--output", output,
      "--history", history,
    ]
  }

  /// Names of checkpoints, the oldest first.
  func saved() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? []
    return names.filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }.sorted()
  }

  /// Runs to its end.
  func uninterrupted() throws -> Run {
    expectSuccess(try BuiltProduct.cairn.run(arguments))
    return self
  }

  /// Runs until `count` checkpoints are there, then is killed, wherever it happens to be.
  func killed(afterSaves count: Int) throws {
    let process = try BuiltProduct.cairn.start(arguments)
    while saved().count < count, process.isRunning { usleep(500) }
    try #require(process.isRunning, "the run ended before it could be killed")
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try #require(process.terminationReason == .uncaughtSignal)
    #expect(!FileManager.default.fileExists(atPath: output))
  }
}

@Suite("cairn resume")
struct ResumeTests {
  @Test("a killed run goes on to the bits of one that was not", arguments: [1, 11, 30])
  func killedRun(saves: Int) throws {
    let other = try TemporaryDirectory()
    let folder = try TemporaryDirectory()
    let whole = try Run(folder: other.path).uninterrupted()
    let run = Run(folder: folder.path)
    try run.killed(afterSaves: saves)
    let newest = try #require(run.saved().last)
    let step = try #require(Int(newest.dropFirst("step-".count).prefix(12)))

    let resumed = try cairn("resume", run.checkpoints)
    expectSuccess(resumed)
    let start = try #require(resumed.outputLines.first)
    #expect(start.hasPrefix("resuming \(run.checkpoints)/\(newest) at step \(step), epoch "))

    let diff = try inspect("diff", whole.output, run.output)
    #expect(diff.exitCode == 0, "\(diff.output)")
    #expect(try contents(of: run.output) == contents(of: whole.output))
    #expect(try contents(of: run.history) == contents(of: whole.history))
    let steps = try text(of: run.history).split(separator: "\n").dropFirst()
      .map { $0.prefix { $0 != "," } }
    #expect(steps.map { Int($0) } == (1...120).map(Optional.some))
    #expect(run.saved() == whole.saved())
  }

  @Test("one altered accumulator in the checkpoint makes another result")
  func alteredAccumulator() throws {
    let other = try TemporaryDirectory()
    let folder = try TemporaryDirectory()
    let whole = try Run(folder: other.path).uninterrupted()
    let run = Run(folder: folder.path)
    try run.killed(afterSaves: 10)
    let (oldest, newest) = (run.saved().first!, run.saved().last!)
    expectSuccess(
      try inspect(
        "restore", "\(run.checkpoints)/\(oldest)", "--into", "\(run.checkpoints)/\(newest)",
        "--only", "accumulator/dense/kernel", "--output", folder.file("altered.h5")))
    try FileManager.default.removeItem(atPath: "\(run.checkpoints)/\(newest)")
    try FileManager.default.moveItem(
      atPath: folder.file("altered.h5"), toPath: "\(run.checkpoints)/\(newest)")
    expectSuccess(try cairn("resume", run.checkpoints))
    #expect(try inspect("diff", whole.output, run.output).exitCode == 1)
  }

  @Test("a damaged newest checkpoint is named, and the one before is used")
  func damagedCheckpoint() throws {
    let other = try TemporaryDirectory()
    let folder = try TemporaryDirectory()
    let whole = try Run(folder: other.path).uninterrupted()
    let run = Run(folder: folder.path)
    try run.killed(afterSaves: 5)
    let names = Array(run.saved().suffix(2))
    let newest = "\(run.checkpoints)/\(names[1])"
    try contents(of: newest).prefix(50_000).write(to: URL(filePath: newest))

    let resumed = try cairn("resume", run.checkpoints)
    #expect(resumed.exitCode == 0)
    #expect(resumed.errorLines.count == 1)
    #expect(resumed.errors.contains(names[1]))
    #expect(resumed.output.contains("resuming \(run.checkpoints)/\(names[0]) at step "))
    #expect(try inspect("diff", whole.output, run.output).exitCode == 0)
    #expect(try inspect("show", newest).exitCode == 0)
  }

  @Test("a completed run has no step left: resuming writes its results anew")
  func completedRun() throws {
    let folder = try TemporaryDirectory()
    let run = try Run(folder: folder.path).uninterrupted()
    let (output, history) = (try contents(of: run.output), try contents(of: run.history))
    expectTrouble(try cairn("resume", run.checkpoints), run.output, "--force")
    #expect(try contents(of: run.history) == history)
    try FileManager.default.removeItem(atPath: run.output)
    let resumed = try cairn("resume", run.checkpoints)
    expectSuccess(resumed)
    #expect(!resumed.output.contains("\nepoch "))
    #expect(try contents(of: run.output) == output)
    #expect(try contents(of: run.history) == history)
  }

  @Test(
    "in every profile a run is resumed, replayed and cut down to the newest, to the same bits",
    arguments: [
      ("keras2-h5", ".h5"), ("keras2-weights", ".weights.h5"), ("keras2-archive", ".keras"),
      ("tf-keras-h5", ".h5"), ("tf-keras-weights", ".weights.h5"), ("tf-keras-archive", ".keras"),
      ("keras3-h5", ".h5"), ("keras3-weights", ".weights.h5"), ("keras3-archive", ".keras"),
      ("keras3-sharded", ".weights.json"), ("keras3-directory", ""),
    ])
  func profiles(profile: String, suffix: String) throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let shards = profile == "keras3-sharded" ? ["--max-shard-size", "2K"] : []
    func train(_ name: String, _ options: String...) throws {
      expectSuccess(
        try BuiltProduct.cairn.run(
          [
            "train", folder.file("data.h5"), "--epochs", "3", "--batch-size", "16", "--ema", "0.9",
            "--checkpoint-format", profile, "--save-every-steps", "2", "--keep-newest", "3",
            "--digest", "sha256", "--checkpoints", folder.file(name), "--output",
            folder.file("\(name).h5"),
          ] + shards + options))
    }
    func saved(_ name: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.file(name))
        .filter { $0.hasPrefix("step-") && $0.hasSuffix(suffix) && $0.count == 17 + suffix.count }
        .sorted()
    }
    try train("whole")
    let names = [6, 8, 9].map { "step-00000000000\($0)\(suffix)" }
    #expect(try saved("whole") == names)
    let verified = try inspect(
      "verify", "--require-digests", folder.file("whole/\(names[1])"))
    #expect(verified.exitCode == 0 && verified.output.contains("SHA-256"), "\(verified.output)")
    #expect(try inspect("show", folder.file("whole/\(names[1])")).exitCode == 0)
    expectSuccess(try cairn("verify-resume", folder.file("whole")))

    try train("cut")
    for name in names.dropFirst() {
      try FileManager.default.removeItem(atPath: folder.file("cut/\(name)"))
    }
    try FileManager.default.removeItem(atPath: folder.file("cut.h5"))
    let resumed = try cairn("resume", folder.file("cut"))
    expectSuccess(resumed)
    #expect(resumed.output.contains("at step 6, epoch 2 of 3"))
    #expect(try contents(of: folder.file("cut.h5")) == contents(of: folder.file("whole.h5")))
    #expect(try saved("cut") == names)
    #expect(
      try inspect("diff", folder.file("cut/\(names[2])"), folder.file("whole/\(names[2])"))
        .errors == "")
    if profile == "keras3-sharded" {
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.file("whole"))
      #expect(files.count { $0.hasPrefix("step-000000000009_") } > 2)
      #expect(!files.contains { $0.contains("step-000000000004") })
    }
  }

  @Test("the short names of formats mean the usual profiles; one without an optimizer is refused")
  func formatNames() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    for (name, suffix) in [("h5", ".h5"), ("weights.h5", ".weights.h5"), ("keras", ".keras")] {
      expectSuccess(
        try cairn(
          "train", folder.file("data.h5"), "--epochs", "1", "--checkpoint-format", name,
          "--checkpoints", folder.file(name)))
      #expect(try snapshot(of: folder.file(name)).keys.sorted() == ["step-000000000002\(suffix)"])
    }
    for (format, option) in [("keras2-weights-h5", []), ("h5", ["--max-shard-size", "1M"])] {
      let refused = try BuiltProduct.cairn.run(
        ["train", "--checkpoints", folder.file("x"), "--checkpoint-format", format] + option)
      #expect(refused.exitCode == 64)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("x")))
    #expect(try cairn("train", "--help").output.contains("keras3-directory"))
  }

  @Test("a run in the layout of Keras 3 is resumed in it, and ends in the averages asked for")
  func weightsLayout() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    func train(_ epochs: String, _ name: String) throws {
      expectSuccess(
        try cairn(
          "train", folder.file("data.h5"), "--epochs", epochs, "--batch-size", "16",
          "--ema", "0.9", "--weights", "average", "--checkpoint-format", "weights.h5",
          "--checkpoints", folder.file(name),
          "--output", folder.file("\(name).weights.h5")))
    }
    try train("4", "whole")
    try train("4", "cut")
    for step in ["000000000012", "000000000009"] {
      try FileManager.default.removeItem(atPath: folder.file("cut/step-\(step).weights.h5"))
    }
    try FileManager.default.removeItem(atPath: folder.file("cut.weights.h5"))
    let resumed = try cairn("resume", folder.file("cut"))
    expectSuccess(resumed)
    #expect(resumed.output.contains("at step 6, epoch 3 of 4"))
    #expect(
      try contents(of: folder.file("cut.weights.h5"))
        == contents(of: folder.file("whole.weights.h5")))
  }
}
