import Foundation
import HDF5
import TestSupport
import Testing

@Suite("a checkpoint whose record of the run is damaged")
struct DamagedRunTests {
  @Test(
    "is refused in one line",
    arguments: [
      (#""batchSize": 16"#, #""batchSize": 9223372036854775807"#, "batchSize"),
      (#""batchSize": 16"#, #""batchSize": 0"#, "batchSize"),
      (#""threadCount": 1"#, #""threadCount": 1000000000"#, "threadCount"),
      (#""validationSplit": 0.2"#, #""validationSplit": -1"#, "validationSplit"),
      (#""saveEverySteps": null"#, #""saveEverySteps": 0"#, "saveEverySteps"),
      (#""outputWeights": "live""#, #""outputWeights": "best""#, "outputWeights"),
      (#""step": 3"#, #""step": 9223372036854775807"#, "step"),
      (#""step": 3"#, #""step": 4"#, "step 4"),
      (#""epoch": 1"#, #""epoch": 9223372036854775807"#, "9223372036854775807"),
      (#""batch": 0"#, #""batch": 2"#, "batch 2"),
      (#"{"seed""#, #"{{"seed""#, "JSON"),
    ])
  func refused(text: String, damage: String, word: String) throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    expectSuccess(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "2", "--batch-size", "16", "--checkpoints",
        folder.file("run")))
    try FileManager.default.removeItem(atPath: folder.file("run/step-000000000006.h5"))
    let file = try HDF5File.openForUpdate(folder.file("run/step-000000000003.h5"))
    do {
      let path = "cairn/texts/resumption"
      let root = try file.root()
      let record = String(decoding: try DataFiles.bytes(path, in: root), as: UTF8.self)
      try #require(record.contains(text))
      try root.remove(path)
      let damaged = Array(record.replacing(text, with: damage).utf8)
      try DataFiles.write(path, damaged, [damaged.count], as: .uint8, into: root)
    }
    try file.close()
    let before = try snapshot(of: folder.file("run"))
    expectTrouble(
      try cairn("resume", folder.file("run"), "--no-verify"),
      folder.file("run/step-000000000003.h5"), word)
    #expect(try snapshot(of: folder.file("run")) == before)
  }

  @Test("is refused when losses of steps are missing from it")
  func losses() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    expectSuccess(
      try cairn(
        "train", folder.file("data.h5"), "--epochs", "1", "--batch-size", "16", "--checkpoints",
        folder.file("run")))
    let file = try HDF5File.openForUpdate(folder.file("run/step-000000000003.h5"))
    do {
      let root = try file.root()
      try root.remove("cairn/resumption/losses")
      try DataFiles.write(
        "cairn/resumption/losses", [Float](repeating: 1, count: 2), [2], as: .float32, into: root)
    }
    try file.close()
    expectTrouble(try cairn("resume", folder.file("run")), "expected 4096 bytes", "--no-verify")
    expectTrouble(
      try cairn("resume", folder.file("run"), "--no-verify"), "losses of 3 steps", "has 2")
  }
}
