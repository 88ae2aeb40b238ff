import Foundation
import HDF5
import TestSupport
import Testing

@Suite("bad models: one line, exit code 2, nothing written")
struct BadModelTests {
  /// Expects every command to refuse the file in one line, with all of `words`, and to write nothing.
  private func expectRefusal(
    _ model: String, _ folder: borrowing TemporaryDirectory, commands: Set<String>,
    _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let data = folder.file("data.h5")
    if !FileManager.default.fileExists(atPath: data) {
      try DataFiles.classification(data, rows: 40, rowShape: [20], classes: 5)
    }
    let before = try snapshot(of: folder.path)
    let all: [String: [String]] = [
      "train": [
        data, "--model", model, "--epochs", "1", "--output", folder.file("out.h5"), "--history",
        folder.file("out.csv"),
      ],
      "evaluate": [data, "--model", model],
      "predict": [data, "--model", model, "--output", folder.file("out.h5")],
      "show": [model, "--digests"],
      "diff": [Fixture.path("keras-2.12/mlp.h5"), model],
      "restore": [model, "--into", Fixture.path("keras-2.12/mlp.h5"), "-o", folder.file("out.h5")],
    ]
    for command in commands {
      let program: BuiltProduct =
        ["train", "evaluate", "predict"].contains(command) ? .cairn : .checkpointInspect
      let outcome = try program.run([command] + all[command]!)
      #expect(outcome.exitCode == 2, "\(command)", sourceLocation: sourceLocation)
      #expect(
        outcome.errorLines.count == 1, "\(command): \(outcome.errors)",
        sourceLocation: sourceLocation)
      for word in words {
        #expect(outcome.errors.contains(word), "\(command)", sourceLocation: sourceLocation)
      }
    }
    #expect(try snapshot(of: folder.path) == before, sourceLocation: sourceLocation)
  }

  private static let cairnCommands: Set = ["train", "evaluate", "predict"]
  private static let allCommands = cairnCommands.union(["show", "diff", "restore"])

  @Test("files that are no checkpoints, or not whole, or not there")
  func unreadable() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.h5")
    try expectRefusal(model, folder, commands: Self.allCommands, model, "No such file")
    try expectRefusal(folder.path, folder, commands: Self.allCommands, folder.path, "directory")
    for text in ["", "no model", "\u{89}HDF"] {
      try text.write(toFile: model, atomically: false, encoding: .utf8)
      try expectRefusal(model, folder, commands: Self.allCommands, model)
    }
    try FileManager.default.removeItem(atPath: model)
    try DataFiles.truncated(Fixture.path("keras-2.12/mlp.h5"), to: 9000, as: model)
    try expectRefusal(model, folder, commands: Self.allCommands, model, "cut short", "9000")
    try expectRefusal(
      folder.file("data.h5"), folder, commands: Self.allCommands, "Keras checkpoint")
  }

  @Test(
    "a missing group or dataset is named",
    arguments: [
      ("model_weights/dense", "dense"), ("model_weights/dense_1/dense_1/bias:0", "bias:0"),
      ("optimizer_weights/Adagrad/accumulator/dense/kernel:0", "accumulator/dense/kernel:0"),
    ])
  func missing(path: String, word: String) throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.h5")
    try DataFiles.altered(Fixture.path("keras-2.12/mlp.h5"), as: model) { try $0.remove(path) }
    try expectRefusal(model, folder, commands: Self.allCommands, model, word)
  }

  @Test("a missing layer in a weights file is named when a model wants it")
  func missingInWeightsFile() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.weights.h5")
    try DataFiles.altered(Fixture.path("keras-3.15/mlp.weights.h5"), as: model) {
      try $0.remove("layers/dense")
    }
    try expectRefusal(model, folder, commands: ["train", "evaluate", "predict"], model)
    try expectRefusal(model, folder, commands: ["restore"], "dense/kernel")
  }

  @Test("a variable of another shape than the architecture says")
  func wrongShape() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.h5")
    try DataFiles.altered(Fixture.path("keras-2.12/mlp.h5"), as: model) { root in
      try root.remove("model_weights/dense/dense/bias:0")
      try DataFiles.write(
        "model_weights/dense/dense/bias:0", [Float](repeating: 0, count: 13), [13], as: .float32,
        into: root)
    }
    try expectRefusal(
      model, folder, commands: Self.cairnCommands.union(["show", "restore"]), "(13,)", "(12,)")
  }

  @Test("an unknown class of layers is named, by what computes; what only looks does not mind")
  func unknownLayer() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.h5")
    try DataFiles.altered(Fixture.path("keras-2.12/mlp.h5"), as: model) { root in
      let text = try root.attributes.string("model_config")
      try root.attributes.setString(
        text.replacing("\"BatchNormalization\"", with: "\"SpectralNormalization\""),
        for: "model_config")
    }
    try expectRefusal(
      model, folder, commands: Self.cairnCommands, model, "batch_normalization",
      "SpectralNormalization")
    let shown = try inspect("show", model)
    expectSuccess(shown)
    #expect(shown.output.contains("batch_normalization (SpectralNormalization)"))
  }

  @Test("an architecture that no memory holds")
  func hugeModel() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("model.json")
    let layer = """
      {"class_name": "Dense", "config": {"name": "a", "units": 1000000000000, \
      "batch_input_shape": [null, 20]}}
      """
    try "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [\(layer)]}}"
      .write(toFile: model, atomically: false, encoding: .utf8)
    try expectRefusal(model, folder, commands: ["train"], model)
  }
}
