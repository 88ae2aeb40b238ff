import Foundation
import HDF5
import TestSupport
import Testing

/// A run over the digits that would take minutes, in `folder`.
private struct EndlessRun: ~Copyable {
  let folder = try! TemporaryDirectory()
  let process: Process

  var checkpoints: String { folder.file("run") }

  init(_ options: String...) throws {
    process = try BuiltProduct.cairn.start(
      ["train", "--epochs", "100000", "--checkpoints", folder.file("run")] + options,
      errors: folder.file("errors"))
  }

  deinit {
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
  }

  func saved() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? [])
      .filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }.sorted()
  }

  /// Waits for so many checkpoints.
  func waitForSaves(_ count: Int) throws {
    while saved().count < count, process.isRunning { usleep(2000) }
    try #require(process.isRunning)
  }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  func exitCode() -> Int32 {
    process.waitUntilExit()
    return process.terminationReason == .uncaughtSignal
      ? 1000 + process.terminationStatus : process.terminationStatus
  }
}

@Suite("signals")
struct SignalTests {
  @Test(
    "the first finishes the step and saves; the run then resumes with the same bits",
    arguments: [(SIGINT, Int32(130)), (SIGTERM, Int32(143))])
  func first(signal: Int32, code: Int32) throws {
    let run = try EndlessRun("--save-every-steps", "40")
    try run.waitForSaves(2)
    run.send(signal)
    #expect(run.exitCode() == code)
    #expect(try text(of: run.folder.file("errors")).contains("stopping after this step"))
    let names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints).sorted()
    #expect(names == run.saved(), "something else was left behind")
    // Every save of the run, the last one at the step where the signal came included, replays exactly.
    let verified = try cairn("verify-resume", run.checkpoints)
    #expect(verified.exitCode == 0, "\(verified.output)")
    #expect(verified.output.contains("exact: \(names.count - 1) of \(names.count - 1) replays"))
  }

  @Test("the first acts in the middle of a validation, too; the resumed run validates anew")
  func duringValidation() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 81_920, rowShape: [4])
    let process = try BuiltProduct.cairn.start(
      [
        "train", folder.file("data.h5"), "--epochs", "1", "--batch-size", "1",
        "--validation-split", "0.9998779296875", "--history", folder.file("history.csv"),
        "--save-every-steps", "10", "--checkpoints",
        folder.file("run"),
      ], errors: folder.file("errors"))
    // Ten steps, 2^-13 of the rows, then 81,910 batches of validation.
    func steps() -> Int {
      let text = (try? text(of: folder.file("history.csv"))) ?? ""
      return text.split(separator: "\n").count - 1
    }
    while steps() < 10, process.isRunning { usleep(200) }
    kill(process.processIdentifier, SIGTERM)
    process.waitUntilExit()
    #expect(process.terminationStatus == 143)
    let resumed = try cairn("resume", folder.file("run"))
    expectSuccess(resumed)
    #expect(resumed.outputLines.first?.hasSuffix("at step 10, epoch 1 of 1") == true)
    #expect(resumed.outputLines.contains { $0.hasPrefix("epoch 1/1") && $0.contains("val_loss") })
  }

  @Test("the second ends the run at once: the last commit stays, and the folder can be used again")
  func second() throws {
    let run = try EndlessRun("--save-every-steps", "1")
    try run.waitForSaves(3)
    // Held still, so that both are there when it goes on.
    run.send(SIGSTOP)
    run.send(SIGINT)
    run.send(SIGTERM)
    run.send(SIGCONT)
    #expect([130, 143].contains(run.exitCode()))
    let newest = try #require(run.saved().last)
    #expect(try inspect("show", "\(run.checkpoints)/\(newest)").exitCode == 0)
    #expect(try cairn("verify-resume", run.checkpoints).exitCode == 0)
  }

  @Test("a signal that the program was started to ignore stays ignored")
  func ignored() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let outcome = try BuiltProduct.cairn.runInShell(
      #"trap '' INT; "$0" "$@" & sleep 0.05; kill -INT $!; wait $!"#,
      ["train", folder.file("data.h5"), "--epochs", "200", "--output", folder.file("o.h5")])
    #expect(outcome.exitCode == 0)
    #expect(FileManager.default.fileExists(atPath: folder.file("o.h5")))
  }
}

@Suite("two writers")
struct TwoWritersTests {
  @Test("the second is refused in one line that names the first, which goes on")
  func refused() throws {
    let run = try EndlessRun("--save-every-steps", "20")
    try run.waitForSaves(1)
    expectTrouble(
      try cairn("resume", run.checkpoints), run.checkpoints,
      "process \(run.process.processIdentifier) on host")
    expectTrouble(
      try cairn("train", "--epochs", "1", "--checkpoints", run.checkpoints),
      "process \(run.process.processIdentifier) on host")
    try run.waitForSaves(run.saved().count + 1)
    run.send(SIGKILL)
    #expect(run.exitCode() == 1000 + SIGKILL)
    // It left its lease, and perhaps a file in the making.
    #expect(FileManager.default.fileExists(atPath: "\(run.checkpoints)/.cairn-lease"))
    let resumed = try BuiltProduct.cairn.start(
      ["resume", run.checkpoints], errors: run.folder.file("resumed"))
    let count = run.saved().count
    while run.saved().count <= count, resumed.isRunning { usleep(2000) }
    kill(resumed.processIdentifier, SIGTERM)
    resumed.waitUntilExit()
    #expect(resumed.terminationStatus == 143)
    let names = try FileManager.default.contentsOfDirectory(atPath: run.checkpoints).sorted()
    #expect(names == run.saved())
  }
}
