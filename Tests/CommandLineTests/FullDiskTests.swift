import Foundation
import TestSupport
import Testing

@Suite("a full disk")
struct FullDiskTests {
  @Test(
    "no room for the trained model: one line, exit code 2, nothing left behind",
    arguments: ["4k", "16k", "32k", "64k"], ["out.h5", "out.weights.h5"])
  func output(size: String, name: String) throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rowShape: [64], classes: 10)
    let disk = try PrivateMount(options: "size=\(size)")
    guard
      let run = try disk.run(
        .cairn,
        ["train", folder.file("data.h5"), "--epochs", "1", "--output", "\(disk.path)/\(name)"])
    else { return }
    expectTrouble(
      run.outcome, "\(disk.path)/\(name)", "No space left on device", "are missing")
    #expect(run.left == [])
  }

  @Test(
    "a disk that fills while the file is written: what is missing is said, nothing left behind",
    arguments: 0...5)
  func midWrite(pages: Int) throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rowShape: [64], classes: 10)
    let path = folder.file("whole.h5")
    expectSuccess(try cairn("train", folder.file("data.h5"), "--epochs", "1", "--output", path))
    let size = try contents(of: path).count
    let tensors = try Shown(path).variables.reduce(0) { $0 + $1.byteCount }
    // Room for the tensors, but not for the file.
    let room = (tensors + 3 * 4096 + pages * 1024) / 4096 * 4096
    try #require(room < size)
    let disk = try PrivateMount(options: "size=\(room)")
    guard
      let run = try disk.run(
        .cairn,
        ["train", folder.file("data.h5"), "--epochs", "1", "--output", "\(disk.path)/out.h5"])
    else { return }
    expectTrouble(run.outcome, "\(disk.path)/out.h5", "No space left on device", "are missing")
    #expect(run.left == [])
  }

  @Test("checkpoints saved before the disk was full stay")
  func checkpoints() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rowShape: [64], classes: 10)
    let disk = try PrivateMount(options: "size=300k")
    guard
      let run = try disk.run(
        .cairn,
        [
          "train", folder.file("data.h5"), "--epochs", "9", "--batch-size", "48", "--checkpoints",
          "\(disk.path)/run",
        ])
    else { return }
    let saved = run.left.count - 1
    #expect((1...8).contains(saved))
    #expect(run.left == ["run/"] + (1...saved).map { "run/step-00000000000\($0).h5" })
    expectTrouble(run.outcome, "step-00000000000\(saved + 1).h5", "No space left on device")
  }

  @Test("a disk with room for two files holds one that is replaced again and again")
  func replacing() throws {
    let model = Fixture.path("keras-2.12/mlp.h5")
    let folder = try TemporaryDirectory()
    let steps = ["--from", model, "--profile", "keras2-h5", "--replacing", "--steps"]
    expectSuccess(try BuiltProduct.saveCheckpoints.run([folder.file("run")] + steps + ["1"]))
    let size = try contents(of: folder.file("run/step-000000000001.h5")).count
    let pages = (size + 4095) / 4096
    let disk = try PrivateMount(options: "size=\((2 * pages + 3) * 4096)")
    guard
      let run = try disk.run(.saveCheckpoints, ["\(disk.path)/run"] + steps + ["200"])
    else { return }
    expectSuccess(run.outcome)
    #expect(run.left == ["run/", "run/step-000000000001.h5"])
  }

  @Test("no room for restored tensors, nor for predictions", arguments: ["4k", "16k"])
  func otherOutputs(size: String) throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.h5")
    expectSuccess(try cairn("train", "--epochs", "1", "--output", model))
    let disk = try PrivateMount(options: "size=\(size)")
    let path = "\(disk.path)/out.h5"
    if let run = try disk.run(.checkpointInspect, ["restore", model, "--into", model, "-o", path]) {
      expectTrouble(run.outcome, path, "No space left on device")
      #expect(run.left == [])
    }
    if let run = try disk.run(.cairn, ["predict", "--model", model, "--output", path]) {
      expectTrouble(run.outcome, path, "No space left on device")
      #expect(run.left == [])
    }
  }

  @Test("no room for what is printed or for the history is not passed over")
  func fullDevice() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let model = Fixture.path("keras-2.12/mlp.h5")
    let runs: [(BuiltProduct, [String])] = [
      (.checkpointInspect, ["show", model]), (.checkpointInspect, ["diff", model, model]),
      (
        .checkpointInspect,
        ["restore", model, "--into", model, "-o", folder.file("x.h5"), "--dry-run"]
      ),
      (.cairn, ["train", folder.file("data.h5"), "--epochs", "1"]),
    ]
    for (program, arguments) in runs {
      let outcome = try program.runInShell(#"exec "$0" "$@" >/dev/full"#, arguments)
      expectTrouble(outcome, "standard output", "No space left on device")
    }
    expectTrouble(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "1", "--history", "/dev/full", "--force"),
      "/dev/full", "No space left on device")
  }
}
