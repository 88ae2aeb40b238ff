import Foundation
import TestSupport
import Testing

@Suite("a loss that is no number")
struct LossNotFiniteTests {
  @Test("stops the run at its step, and the last good checkpoint stays")
  func invalidInput() throws {
    let folder = try TemporaryDirectory()
    // Row 25 is in the third batch of ten.
    try DataFiles.classification(folder.file("data.h5")) { x, _ in x[25 * 12] = .nan }
    let run = try cairn(
      "train", folder.file("data.h5"), "--epochs", "2", "--batch-size", "10", "--no-shuffle",
      "--validation-split", "0", "--save-every-steps", "1", "--checkpoints", folder.file("run"),
      "--output", folder.file("out.h5"), "--history", folder.file("out.csv"))
    expectTrouble(run, "nan at step 3", "\(folder.file("run"))/step-000000000002.h5")
    #expect(
      try folder.names() == ["data.h5", "out.csv", "run"])
    #expect(
      try snapshot(of: folder.file("run")).keys.sorted()
        == ["step-000000000001.h5", "step-000000000002.h5"])
    #expect(try text(of: folder.file("out.csv")).split(separator: "\n").count == 1 + 2)
    let shown = try inspect("show", folder.file("run/step-000000000002.h5"), "--statistics")
    #expect(!shown.output.contains("NaN") && !shown.output.contains("infinite"))
  }

  @Test("is met too when the learning rate is absurd")
  func learningRate() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let run = try cairn(
      "train", folder.file("data.h5"), "--epochs", "5", "--batch-size", "8", "--learning-rate",
      "1e38", "--output", folder.file("out.h5"))
    expectTrouble(run, "at step ")
    #expect(try folder.names() == ["data.h5"])
  }

  @Test("is null in JSON, which has no word for it")
  func evaluation() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("good.h5"))
    try DataFiles.classification(folder.file("bad.h5")) { x, _ in x[0] = .nan }
    expectSuccess(
      try cairn("train", folder.file("good.h5"), "--epochs", "1", "--output", folder.file("m.h5")))
    let run = try cairn(
      "evaluate", folder.file("bad.h5"), "--model", folder.file("m.h5"), "--format", "json")
    expectSuccess(run)
    let report = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    #expect(report?["loss"] is NSNull)
    #expect(report?["rows"] as? Int == 60)
  }
}
