import Foundation
import TestSupport
import Testing

@Suite("cairn train")
struct TrainTests {
  @Test("both layouts are written, with equal tensors")
  func layouts() throws {
    let folder = try TemporaryDirectory()
    for name in ["a.h5", "a.weights.h5"] {
      let run = try cairn("train", "--epochs", "1", "--output", folder.file(name))
      expectSuccess(run)
      #expect(run.outputLines.last == "wrote \(folder.file(name))")
      #expect(run.outputLines.first?.hasPrefix("epoch 1/1  loss ") == true)
    }
    let (whole, weights) = (try Shown(folder.file("a.h5")), try Shown(folder.file("a.weights.h5")))
    #expect(whole.dialect == "keras-2")
    #expect(weights.dialect == "keras-3")
    #expect(whole.layout != weights.layout)
    #expect(whole.optimizer?.iterations == 45)
    #expect(weights.optimizer?.iterations == 45)
    for (name, digest) in whole.digests { #expect(weights.digests[name] == digest) }
  }

  @Test("the history has a row a step, with columns step, epoch and loss")
  func history() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 50)
    let run = try cairn(
      "train", folder.file("data.h5"), "--epochs", "2", "--batch-size", "16",
      "--history", folder.file("h.csv"))
    expectSuccess(run)
    let lines = try text(of: folder.file("h.csv")).split(separator: "\n")
    // 40 rows to train on: batches of 16, 16 and 8.
    #expect(lines.first == "step,epoch,loss")
    let rows = lines.dropFirst().map { $0.split(separator: ",") }
    #expect(rows.map { String($0[0]) } == ["1", "2", "3", "4", "5", "6"])
    #expect(rows.map { String($0[1]) } == ["1", "1", "1", "2", "2", "2"])
    #expect(rows.allSatisfy { $0.count == 3 && (Float($0[2]) ?? .nan) > 0 })
  }

  @Test("equal seeds give equal bytes, other seeds and orders others")
  func seeds() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    let runs: [String: [String]] = [
      "a": ["--seed", "5"], "b": ["--seed", "5"], "c": ["--seed", "6"],
      "d": ["--seed", "5", "--no-shuffle"],
    ]
    for (name, options) in runs {
      let run = try BuiltProduct.cairn.run(
        ["train", folder.file("data.h5"), "--epochs", "2", "--batch-size", "8"] + options
          + ["--output", folder.file("\(name).h5"), "--history", folder.file("\(name).csv")])
      expectSuccess(run)
    }
    let files = try snapshot(of: folder.path)
    for suffix in ["h5", "csv"] {
      #expect(files["a.\(suffix)"] == files["b.\(suffix)"])
      #expect(files["a.\(suffix)"] != files["c.\(suffix)"])
      #expect(files["a.\(suffix)"] != files["d.\(suffix)"])
    }
  }

  @Test("moving averages are kept, and written as the weights when asked for")
  func averages() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    for weights in ["live", "average"] {
      let run = try cairn(
        "train", folder.file("data.h5"), "--epochs", "2", "--ema", "0.9", "--weights", weights,
        "--output", folder.file("\(weights).h5"))
      expectSuccess(run)
    }
    let (live, average) = (try Shown(folder.file("live.h5")), try Shown(folder.file("average.h5")))
    let kernel = "dense/kernel"
    #expect(live.digests[kernel] != live.digests["average/\(kernel)"])
    #expect(average.digests[kernel] == live.digests["average/\(kernel)"])
    #expect(average.digests["accumulator/\(kernel)"] == live.digests["accumulator/\(kernel)"])
    expectTrouble(try cairn("train", folder.file("data.h5"), "--weights", "average"), "--ema")
  }

  @Test("a validation split of 0 trains on every row and reports no validation")
  func noValidation() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 50)
    let run = try cairn(
      "train", folder.file("data.h5"), "--epochs", "1", "--batch-size", "10", "--validation-split",
      "0", "--history", folder.file("h.csv"))
    expectSuccess(run)
    #expect(!run.output.contains("val_"))
    #expect(try text(of: folder.file("h.csv")).split(separator: "\n").count == 1 + 5)
  }

  @Test("without --save-every-steps there is a checkpoint an epoch")
  func checkpoints() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 50)
    let run = try cairn(
      "train", folder.file("data.h5"), "--epochs", "2", "--batch-size", "20", "--checkpoints",
      folder.file("run"), "--checkpoint-format", "weights.h5")
    expectSuccess(run)
    #expect(
      try snapshot(of: folder.file("run")).keys.sorted()
        == ["step-000000000002.weights.h5", "step-000000000004.weights.h5"])
  }

  @Test("evaluate finds the validation numbers of the last epoch")
  func evaluate() throws {
    let folder = try TemporaryDirectory()
    let run = try cairn("train", "--epochs", "1", "--output", folder.file("a.h5"))
    let evaluation = try cairn(
      "evaluate", "--model", folder.file("a.h5"), "--validation-split", "0.2")
    expectSuccess(evaluation)
    let values = evaluation.output.replacing("360 rows  ", with: "").split(separator: "  ")
    #expect(values.count == 2)
    for value in values {
      #expect(run.output.contains("val_\(value.trimmingCharacters(in: .newlines))"))
    }
  }
}
