import Foundation
import HDF5
import TestSupport
import Testing

@Suite("cairn train --model")
struct KerasModelTests {
  /// Data that fit a fixture.
  private func writeData(for model: String, to path: String) throws {
    switch model {
    case "embedding": try DataFiles.sentences(path)
    case "flatten": try DataFiles.regression(path)
    default: try DataFiles.classification(path, rows: 40, rowShape: [20], classes: 5)
    }
  }

  @Test(
    "the optimizer of a Keras file goes on counting from where it stood",
    arguments: ["keras-2.12", "keras-3.15"], ["mlp", "mlp_ema", "embedding", "flatten"])
  func wholeModel(generation: String, model: String) throws {
    let folder = try TemporaryDirectory()
    try writeData(for: model, to: folder.file("data.h5"))
    let source = Fixture.path("\(generation)/\(model).h5")
    let before = try contents(of: source)
    let run = try cairn(
      "train", folder.file("data.h5"), "--model", source, "--epochs", "2", "--batch-size", "8",
      "--output", folder.file("out.h5"))
    expectSuccess(run)
    #expect(try contents(of: source) == before)
    let (old, new) = (try Shown(source), try Shown(folder.file("out.h5")))
    #expect(old.optimizer?.iterations == 5)
    #expect(new.optimizer?.iterations == 5 + 2 * 4)
    #expect(new.optimizer?.learningRate == old.optimizer?.learningRate)
    // The same tensors under the same names; a learning rate is one in Keras 3 only.
    let names = { (shown: Shown) in Set(shown.variables.map(\.name)).subtracting(["learning_rate"])
    }
    #expect(names(old) == names(new))
  }

  @Test(
    "with no gradient nothing but the iteration changes: weights and slots were taken",
    arguments: ["keras-2.12", "keras-3.15"])
  func stateIsTaken(generation: String) throws {
    let folder = try TemporaryDirectory()
    let source = Fixture.path("\(generation)/flatten.h5")
    try DataFiles.regression(folder.file("data.h5"))
    expectSuccess(
      try cairn(
        "predict", folder.file("data.h5"), "--model", source, "--output", folder.file("p.h5"),
        "--batch-size", "8"))
    var predictions = [Float](repeating: 0, count: 80)
    do {
      let file = try HDF5File.open(folder.file("p.h5"))
      let dataset = try file.root().openDataset("predictions")
      #expect(dataset.shape == [40, 2])
      try predictions.withUnsafeMutableBytes { try dataset.read(into: $0, as: .float32) }
    }
    try DataFiles.regression(folder.file("fitted.h5"), y: predictions)
    expectSuccess(
      try cairn(
        "train", folder.file("fitted.h5"), "--model", source, "--epochs", "1", "--batch-size", "8",
        "--no-shuffle", "--validation-split", "0", "--output", folder.file("out.h5")))
    #expect(
      try differences(source, folder.file("out.h5")).subtracting(["learning_rate"])
        == ["iteration"])
  }

  @Test(
    "an architecture alone is trained from new weights",
    arguments: ["keras-2.12", "keras-3.15"], ["mlp", "embedding", "flatten"])
  func plainJSON(generation: String, model: String) throws {
    struct Truth: Decodable { let modelJSON: String }
    let folder = try TemporaryDirectory()
    try writeData(for: model, to: folder.file("data.h5"))
    let truth = try JSONDecoder().decode(
      Truth.self, from: contents(of: Fixture.path("\(generation)/\(model).truth.json")))
    try truth.modelJSON.write(
      toFile: folder.file("model.json"), atomically: true, encoding: .utf8)
    let run = try cairn(
      "train", folder.file("data.h5"), "--model", folder.file("model.json"), "--epochs", "1",
      "--batch-size", "8", "--output", folder.file("out.h5"))
    expectSuccess(run)
    let (keras, new) = (
      try Shown(Fixture.path("\(generation)/\(model).h5")), try Shown(folder.file("out.h5"))
    )
    #expect(new.optimizer?.iterations == 4)
    #expect(
      keras.variables.filter { $0.role == "weight" }.map(\.name)
        == new.variables.filter { $0.role == "weight" }.map(\.name))
  }

  @Test("weights without an architecture are refused with the cure")
  func weightsAlone() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 40, rowShape: [20], classes: 5)
    let model = Fixture.path("keras-3.15/mlp.weights.h5")
    expectTrouble(try cairn("train", folder.file("data.h5"), "--model", model), model)
  }

  @Test("Cairn's own weights file carries its architecture")
  func ownWeightsFile() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    for step in [
      ["--output", folder.file("a.weights.h5")],
      ["--model", folder.file("a.weights.h5"), "--output", folder.file("b.weights.h5")],
    ] {
      expectSuccess(
        try BuiltProduct.cairn.run(
          ["train", folder.file("data.h5"), "--epochs", "1", "--batch-size", "16"] + step))
    }
    #expect(try Shown(folder.file("b.weights.h5")).optimizer?.iterations == 6)
  }
}
