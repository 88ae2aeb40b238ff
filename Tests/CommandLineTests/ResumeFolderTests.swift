import Foundation
import TestSupport
import Testing

@Suite("the folder of a run")
struct ResumeFolderTests {
  /// A short run that is complete but for its output.
  private func train(in folder: borrowing TemporaryDirectory) throws {
    try DataFiles.classification(folder.file("data.h5"))
    expectSuccess(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "2", "--checkpoints", folder.file("run")))
  }

  @Test("left-overs of dead writers are removed, those of living ones kept")
  func leftOvers() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let dead = try BuiltProduct.cairn.start(["--help"])
    dead.waitUntilExit()
    let host = hostName.prefix(24)
    let names = [
      "step-000000000099.h5.tmp-\(host)-\(dead.processIdentifier)-1a2b",
      // Nobody else can be saving there, wherever.
      "step-000000000099.h5.tmp-elsewhere-\(getpid())-1a2b",
      "step-000000000099.h5.tmp-\(host)-\(getpid())-1a2b",
      "other.h5.tmp-\(host)-\(dead.processIdentifier)-1a2b", "notes.tmp", "step-1.h5.tmp-me-1a2b",
    ]
    for name in names {
      try "x".write(toFile: folder.file("run/\(name)"), atomically: false, encoding: .utf8)
    }
    expectSuccess(try cairn("resume", folder.file("run")))
    let left = Set(try snapshot(of: folder.file("run")).keys)
    #expect(names.map(left.contains) == [false, false, true, true, true, true])
  }

  @Test("changed data are refused, unless they are accepted")
  func changedData() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    try DataFiles.classification(folder.file("other.h5")) { x, _ in x[0] += 1 }
    try FileManager.default.removeItem(atPath: folder.file("data.h5"))
    try FileManager.default.moveItem(
      atPath: folder.file("other.h5"), toPath: folder.file("data.h5"))
    let before = try snapshot(of: folder.file("run"))
    expectTrouble(
      try cairn("resume", folder.file("run")), folder.file("data.h5"), "--accept-changed-data")
    #expect(try snapshot(of: folder.file("run")) == before)
    expectSuccess(try cairn("resume", folder.file("run"), "--accept-changed-data"))
  }

  @Test("moved data are found by --data")
  func movedData() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    try FileManager.default.moveItem(
      atPath: folder.file("data.h5"), toPath: folder.file("moved.h5"))
    expectTrouble(try cairn("resume", folder.file("run")), folder.file("data.h5"))
    expectSuccess(try cairn("resume", folder.file("run"), "--data", folder.file("moved.h5")))
  }

  @Test("what holds no run cannot be resumed")
  func noRun() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    try FileManager.default.createDirectory(
      atPath: folder.file("empty"), withIntermediateDirectories: false)
    expectTrouble(try cairn("resume", folder.file("empty")), folder.file("empty"))
    expectTrouble(
      try cairn("resume", folder.file("missing")), folder.file("missing"), "check its name")
    expectTrouble(try cairn("resume", folder.file("data.h5")), folder.file("data.h5"))
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: folder.file("empty/step-000000000001.h5"))
    expectTrouble(try cairn("resume", folder.file("empty")), "step-000000000001.h5")
  }

  @Test("a folder with checkpoints is not begun anew")
  func secondTrain() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    let before = try snapshot(of: folder.file("run"))
    expectTrouble(
      try cairn("train", folder.file("data.h5"), "--checkpoints", folder.file("run")),
      "cairn resume \(folder.file("run"))")
    #expect(try snapshot(of: folder.file("run")) == before)
  }

  @Test("another history is replaced only with --force")
  func otherHistory() throws {
    let folder = try TemporaryDirectory()
    try train(in: folder)
    try "mine".write(toFile: folder.file("h.csv"), atomically: false, encoding: .utf8)
    expectTrouble(
      try cairn("resume", folder.file("run"), "--history", folder.file("h.csv")), "--force")
    #expect(try text(of: folder.file("h.csv")) == "mine")
    expectSuccess(
      try cairn("resume", folder.file("run"), "--history", folder.file("h.csv"), "--force"))
    #expect(try text(of: folder.file("h.csv")).hasPrefix("step,epoch,loss\n1,1,"))
  }
}
