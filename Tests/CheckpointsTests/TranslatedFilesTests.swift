import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Converting models of any layers") struct TranslatedFilesTests {
  /// Dense layers of which the second is called `hard_sigmoid` of Keras 2.
  private func checkpoint() throws -> Checkpoint {
    let layers: [JSONValue] = ["tanh", "hard_sigmoid"].map { activation in
      [
        "class_name": "Dense",
        "config": ["name": .string(activation), "units": 2, "activation": .string(activation)],
      ]
    }
    let input: JSONValue = [
      "class_name": "InputLayer", "config": ["batch_input_shape": [.null, 2], "name": "x"],
    ]
    let model = try ModelConfiguration(
      sequential: [input] + layers,
      dialect: .keras2)
    let variables = try model.variables(in: .keras2).map { variable in
      Variable(
        id: variable.id, name: variable.name,
        value: Tensor(zeros: variable.name.hasSuffix("kernel") ? [2, 2] : [2], dtype: .float32))
    }
    return Checkpoint(model: model, variables: variables)
  }

  @Test(
    "names that the target refuses are replaced when that is accepted, the slots of the layers too")
  func names() throws {
    let folder = try TemporaryDirectory()
    let (source, output) = (folder.file("old.h5"), folder.file("new.keras"))
    let original = Fixture.path("matrix/keras-2.12/slash_names.h5")
    let reader = try CheckpointReader(opening: original)
    let profile = Profile(dialect: .keras3, layout: .archive)
    let error = try #require(throws: CheckpointError.self) {
      try reader.convert(to: profile, writing: output)
    }
    #expect("\(error)".contains("Keras 3 allows no `/` in names: `"))
    #expect(!FileManager.default.fileExists(atPath: output))
    try reader.convert(to: profile, writing: output, acceptingLoss: true)
    let (before, after) = (try reader.load(), try CheckpointReader(opening: output).load())
    #expect(before.variables.count == after.variables.count)
    for (old, new) in zip(before.variables, after.variables) {
      #expect(!new.id.layer.names.contains { $0.contains("/") } && !new.name.contains("\\/"))
      #expect(new.value.isIdentical(to: old.value))
    }
    #expect(Set(after.variables.map(\.name)).count == after.variables.count)
    #expect(before.optimizer?.slots.count == after.optimizer?.slots.count)
    #expect(after.model?.layers.contains { $0.name.contains("/") } == false)
    try reader.convert(to: Profile(dialect: .keras2, layout: .wholeModel), writing: source)
    #expect(try CheckpointDiff(reader, CheckpointReader(opening: source)).isEmpty)
  }

  @Test(
    "what the target computes otherwise is refused, or written when that is accepted, and listed")
  func losses() throws {
    let folder = try TemporaryDirectory()
    let (source, output) = (folder.file("old.h5"), folder.file("new.keras"))
    try checkpoint().save(to: source, profile: Profile(dialect: .keras2, layout: .wholeModel))
    let reader = try CheckpointReader(opening: source)
    let profile = Profile(dialect: .keras3, layout: .archive)
    let error = #expect(throws: CheckpointError.self) {
      try reader.convert(to: profile, writing: output)
    }
    #expect(error?.kind == .refused)
    #expect(error?.description.contains("layer `hard_sigmoid`: `activation`") == true)
    #expect(!FileManager.default.fileExists(atPath: output))

    let losses = try reader.convert(to: profile, writing: output, acceptingLoss: true)
    #expect(losses.count == 1)
    let written = try CheckpointReader(opening: output)
    #expect(written.manifest.model?.layers.map(\.name) == ["x", "tanh", "hard_sigmoid"])
    // Weights alone say nothing of what is computed with them.
    let weights = Profile(dialect: .keras3, layout: .weights)
    #expect(try reader.load().reduced(to: weights).losses.isEmpty)
    // A save is never asked what it may lose.
    #expect(throws: CheckpointError.self) {
      try checkpoint().save(to: folder.file("other.keras"), profile: profile)
    }
  }

  @Test(
    "a model of nested models arrives whole in every Keras, and comes back",
    arguments: [Dialect.keras2, .keras3], [Layout.wholeModel, .archive])
  func nested(dialect: Dialect, layout: Layout) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(
      opening: Fixture.path("matrix/tf_keras-2.21/nested_twice.keras"))
    let there = folder.file("there\(layout == .archive ? ".keras" : ".h5")")
    try original.convert(to: Profile(dialect: dialect, layout: layout), writing: there)
    let converted = try CheckpointReader(opening: there)
    #expect(converted.manifest.dialect == dialect)
    #expect(converted.manifest.model?.layers.count == original.manifest.model?.layers.count)
    let back = folder.file("back.keras")
    try converted.convert(to: Profile(dialect: .tfKeras, layout: .archive), writing: back)
    let diff = try CheckpointDiff(original, CheckpointReader(opening: back))
    #expect(diff.isEmpty, "\(diff.configuration) \(diff.items.map(\.name))")
  }
}
