import Foundation
import HDF5
import TestSupport
import Testing

@Suite("what stays of a run's checkpoints")
struct RetentionTests {
  /// Steps of the checkpoints that are left of a run in epochs of three steps.
  private func left(_ options: String...) throws -> [Int] {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let outcome = try BuiltProduct.cairn.run(
      ["train", folder.file("data.h5"), "--epochs", "5", "--batch-size", "16", "--checkpoints"]
        + [folder.file("run")] + options)
    expectSuccess(outcome)
    return try steps(folder.file("run"))
  }

  private func steps(_ folder: String) throws -> [Int] {
    try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }
      .map { Int($0.dropFirst(5).prefix(12))! }.sorted()
  }

  @Test("the newest, multiples, and both")
  func newest() throws {
    #expect(try left() == [3, 6, 9, 12, 15])
    #expect(try left("--keep-newest", "2") == [12, 15])
    #expect(try left("--keep-every", "6") == [6, 12, 15])
    #expect(
      try left("--save-every-steps", "2", "--keep-newest", "1", "--keep-every", "4")
        == [4, 8, 12, 15])
  }

  @Test("the best by a metric, which a resumed run remembers")
  func best() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    func train(_ name: String) throws -> Outcome {
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "8", "--batch-size", "16", "--learning-rate",
        "3", "--save-every-steps", "2", "--keep-newest", "1", "--keep-best", "val_loss:2",
        "--checkpoints", folder.file(name))
    }
    let outcome = try train("run")
    expectSuccess(outcome)
    let losses = outcome.outputLines.filter { $0.hasPrefix("epoch ") }.enumerated().map {
      (epoch: $0, loss: Double($1.split(separator: "val_loss ")[1].prefix { $0 != " " })!)
    }
    #expect(losses.count == 8)
    let best = losses.sorted { ($0.loss, $0.epoch) < ($1.loss, $1.epoch) }.prefix(2)
      .map { 3 * ($0.epoch + 1) }
    #expect(try steps(folder.file("run")) == Set(best + [24]).sorted())

    // The same run, killed on its way.
    let process = try BuiltProduct.cairn.start([
      "train", folder.file("data.h5"), "--epochs", "8", "--batch-size", "16", "--learning-rate",
      "3", "--save-every-steps", "2", "--keep-newest", "1", "--keep-best", "val_loss:2",
      "--checkpoints", folder.file("cut"),
    ])
    while ((try? steps(folder.file("cut")).last) ?? 0) < 8, process.isRunning { usleep(500) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    expectSuccess(try cairn("resume", folder.file("cut")))
    #expect(try snapshot(of: folder.file("cut")) == snapshot(of: folder.file("run")))
  }

  @Test("a metric that no epoch reports is refused before anything is made")
  func unknown() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    expectTrouble(
      try cairn(
        "train", folder.file("data.h5"), "--checkpoints", folder.file("run"), "--keep-best",
        "val_auc"), "--keep-best", "val_accuracy", "val_auc")
    expectTrouble(
      try cairn("train", folder.file("data.h5"), "--stop-early", "auc"), "--stop-early", "auc")
    #expect(try folder.names() == ["data.h5"])
  }

  @Test("checkpoints are saved by the clock")
  func seconds() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    func saved(_ seconds: String, _ name: String) throws -> [Int] {
      expectSuccess(
        try cairn(
          "train", folder.file("data.h5"), "--epochs", "3", "--batch-size", "16",
          "--save-every-seconds", seconds, "--checkpoints", folder.file(name)))
      return try steps(folder.file(name))
    }
    // A time that each step exceeds, and one that no run reaches; the end is saved in any case.
    #expect(try saved("0.000000001", "often") == Array(1...9))
    #expect(try saved("100000", "never") == [9])
  }
}

@Suite("early stopping")
struct EarlyStoppingTests {
  @Test("ends the run, writes the best weights, and a resumed run knows that it has ended")
  func best() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    // No change is large enough: the first epoch stays the best.
    let outcome = try cairn(
      "train", folder.file("data.h5"), "--epochs", "50", "--batch-size", "16", "--stop-early",
      "val_loss", "--min-delta", "100", "--patience", "3", "--weights", "best", "--checkpoints",
      folder.file("run"), "--output", folder.file("o.h5"))
    expectSuccess(outcome)
    #expect(outcome.output.contains("stopped early after epoch 4: the best val_loss was "))
    #expect(outcome.output.contains("in epoch 1\n"))
    #expect(try snapshot(of: folder.file("run")).count == 4)
    func digests(_ name: String) throws -> [String: String] {
      try Shown(folder.file(name)).digests.filter { $0.key.hasPrefix("dense") }
    }
    #expect(try digests("o.h5") == digests("run/step-000000000003.h5"))
    #expect(try digests("o.h5") != digests("run/step-000000000012.h5"))

    let output = try contents(of: folder.file("o.h5"))
    try FileManager.default.removeItem(atPath: folder.file("o.h5"))
    for step in ["06", "09", "12"] {
      try FileManager.default.removeItem(atPath: folder.file("run/step-0000000000\(step).h5"))
    }
    let resumed = try cairn("resume", folder.file("run"))
    expectSuccess(resumed)
    #expect(resumed.output.contains("stopped early after epoch 4: "))
    #expect(try contents(of: folder.file("o.h5")) == output)
    try FileManager.default.removeItem(atPath: folder.file("o.h5"))
    let again = try cairn("resume", folder.file("run"))
    expectSuccess(again)
    #expect(!again.output.contains("\nepoch "))
    #expect(try contents(of: folder.file("o.h5")) == output)
  }
}

@Suite("cairn verify-resume")
struct VerifyResumeTests {
  private func train(in folder: borrowing TemporaryDirectory) throws {
    try DataFiles.classification(folder.file("data.h5"))
    expectSuccess(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "3", "--batch-size", "16", "--ema", "0.9",
        "--save-every-steps", "2", "--keep-newest", "9", "--keep-best", "val_loss",
        "--checkpoints", folder.file("run")))
  }

  @Test("an exact run: code 0, each interval named, nothing changed")
  func exact() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let before = try snapshot(of: folder.file("run"))
    let outcome = try cairn("verify-resume", folder.file("run"))
    expectSuccess(outcome)
    #expect(
      outcome.outputLines == [
        "step 2 to 3: same bits", "step 3 to 4: same bits", "step 4 to 6: same bits",
        "step 6 to 8: same bits", "step 8 to 9: same bits",
        "exact: 5 of 5 replays equal to the bit",
      ])
    #expect(try snapshot(of: folder.file("run")) == before)
    // The data elsewhere.
    try FileManager.default.moveItem(
      atPath: folder.file("data.h5"), toPath: folder.file("moved.h5"))
    expectTrouble(try cairn("verify-resume", folder.file("run")), folder.file("data.h5"))
    expectSuccess(try cairn("verify-resume", folder.file("run"), folder.file("moved.h5")))
  }

  @Test("one changed element: code 1, and what differs first is named")
  func different() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let path = folder.file("run/step-000000000006.h5")
    let shown = try Shown(path)
    let variable = try #require(shown.variables.first { $0.name == "average/dense_1/kernel" })
    let file = try HDF5File.openForUpdate(path)
    do {
      let dataset = try file.root().openDataset(variable.datasetPath)
      var bytes = [UInt8](repeating: 0, count: variable.byteCount)
      try bytes.withUnsafeMutableBytes { try dataset.read(into: $0, as: .float32) }
      bytes[8] ^= 1
      try bytes.withUnsafeBytes { try dataset.write(from: $0) }
    }
    try file.close()
    // Its own digests tell that it is damaged, unless they are not asked.
    #expect(try cairn("verify-resume", folder.file("run")).errors.contains(path))
    let outcome = try cairn("verify-resume", folder.file("run"), "--no-verify")
    #expect(outcome.exitCode == 1)
    #expect(outcome.outputLines.contains("step 4 to 6: different: average/dense_1/kernel"))
    #expect(outcome.outputLines.contains("step 3 to 4: same bits"))
    #expect(outcome.outputLines.last?.hasPrefix("not exact: ") == true)
  }

  @Test("a damaged checkpoint: code 1, named, and passed over")
  func damaged() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let path = folder.file("run/step-000000000006.h5")
    try contents(of: path).prefix(3000).write(to: URL(filePath: path))
    let outcome = try cairn("verify-resume", folder.file("run"))
    #expect(outcome.exitCode == 1)
    #expect(outcome.errorLines.count == 1)
    #expect(outcome.errors.contains(path))
    #expect(outcome.outputLines.contains("step 4 to 8: same bits"))
  }

  @Test("nothing to replay, no folder, other data: code 2")
  func trouble() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    expectTrouble(try cairn("verify-resume", folder.file("none")), folder.file("none"))
    try DataFiles.classification(folder.file("other.h5")) { x, _ in x[0] += 1 }
    expectTrouble(
      try cairn("verify-resume", folder.file("run"), folder.file("other.h5")), "SHA-256")
    for step in 3...9 {
      try? FileManager.default.removeItem(atPath: folder.file("run/step-00000000000\(step).h5"))
    }
    expectTrouble(try cairn("verify-resume", folder.file("run")), "at least two")
  }

  @Test("a folder of something else, a file, and checkpoints of no run: code 2, told in one line")
  func wrongFolders() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    try FileManager.default.createDirectory(
      atPath: folder.file("other"), withIntermediateDirectories: false)
    try "x".write(toFile: folder.file("other/notes.txt"), atomically: false, encoding: .utf8)
    expectTrouble(try cairn("verify-resume", folder.file("other")), "at least two", "found 0")
    expectTrouble(try cairn("verify-resume", folder.file("data.h5")), folder.file("data.h5"))
    // The run's folder is meant, not a checkpoint in it.
    let path = folder.file("run/step-000000000006.h5")
    expectTrouble(try cairn("verify-resume", path), path)
    // Models that were saved by another program under a checkpoint's name.
    for step in [1, 2] {
      try FileManager.default.copyItem(
        atPath: Fixture.path("keras-2.12/mlp.h5"),
        toPath: folder.file("other/step-00000000000\(step).h5"))
    }
    expectTrouble(try cairn("verify-resume", folder.file("other")), "it holds no run")
  }

  @Test(
    "files of others in the folder are passed over; what only looks like a checkpoint is damage")
  func foreignFiles() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let whole = try cairn("verify-resume", folder.file("run"))
    for name in [
      "notes.txt", "step-6.txt", "model.h5", "step-000000000007.h5.tmp-elsewhere-5-1a2b",
    ] {
      try "x".write(toFile: folder.file("run/\(name)"), atomically: false, encoding: .utf8)
    }
    try FileManager.default.createDirectory(
      atPath: folder.file("run/logs"), withIntermediateDirectories: false)
    let outcome = try cairn("verify-resume", folder.file("run"))
    expectSuccess(outcome)
    #expect(outcome.output == whole.output)
    try "x".write(
      toFile: folder.file("run/step-000000000005.h5"), atomically: false, encoding: .utf8)
    let damaged = try cairn("verify-resume", folder.file("run"))
    #expect(damaged.exitCode == 1)
    #expect(damaged.errors.contains("step-000000000005.h5"))
    #expect(damaged.output.hasSuffix("5 of 5 replays equal to the bit, 1 damaged checkpoint\n"))
  }

  @Test("of two runs whose checkpoints lie in one folder, the intervals within each are replayed")
  func anotherRun() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    // A checkpoint of a run with other settings, further on.
    expectSuccess(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "5", "--batch-size", "16", "--seed", "9",
        "--checkpoints", folder.file("elsewhere")))
    try FileManager.default.copyItem(
      atPath: folder.file("elsewhere/step-000000000015.h5"),
      toPath: folder.file("run/step-000000000015.h5"))
    let outcome = try cairn("verify-resume", folder.file("run"))
    #expect(outcome.exitCode == 1)
    #expect(outcome.outputLines.contains { $0.hasPrefix("step 9 to 15: different: ") })
  }
}
