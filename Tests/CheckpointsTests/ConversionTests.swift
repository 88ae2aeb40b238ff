import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Conversions that could lose something") struct ConversionTests {
  private func profile(_ name: String) throws -> Profile { try #require(Profile(name: name)) }

  /// Expects a refusal that names the loss, and that the file is written without it when accepted.
  private func expectLoss(
    of words: String, from source: String, to profileName: String
  ) throws {
    let folder = try TemporaryDirectory()
    let profile = try profile(profileName)
    let output = folder.file("out\(profile.layout.fileSuffix)")
    let reader = try CheckpointReader(opening: Fixture.path(source))
    let error = try #require(throws: CheckpointError.self) {
      try reader.convert(to: profile, writing: output)
    }
    #expect(error.kind == .refused)
    #expect("\(error)".contains(words), "\(error)")
    #expect(try folder.names() == [])
    let losses = try reader.convert(to: profile, writing: output, acceptingLoss: true)
    #expect(losses.contains { $0.contains(words) })
    _ = try CheckpointReader(opening: output).load()
  }

  @Test(
    "the loss scale of mixed precision goes along to every layout of Keras 3",
    arguments: ["keras3-weights", "keras3-directory", "keras3-sharded", "keras3-h5"])
  func lossScale(name: String) throws {
    let folder = try TemporaryDirectory()
    let profile = try profile(name)
    let source = try CheckpointReader(
      opening: Fixture.path("matrix/keras-3.15/mixed_precision.keras"))
    let output = folder.file("out\(profile.layout.fileSuffix)")
    #expect(try source.convert(to: profile, writing: output) == [])
    let result = try CheckpointReader(opening: output)
    let scale = try #require(try source.load().optimizer?.lossScale)
    #expect(scale.scale > 1 && scale.stepCounter > 0)
    #expect(try result.load().optimizer?.lossScale == scale)
    #expect(result.manifest.entries.filter { $0.role == .lossScale }.count == 4)
    #expect(try CheckpointDiff(source, result).isEmpty)
  }

  @Test("the numbers that Keras 3 saves for mixed precision are written in its order, twice")
  func lossScalePlaces() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.weights.h5")
    try CheckpointReader(
      opening: Fixture.path("matrix/keras-3.15/mixed_precision.keras")
    ).convert(to: profile("keras3-weights"), writing: output)
    let theirs = try CheckpointReader(
      opening: Fixture.path("matrix/keras-3.15/mixed_precision.weights.h5"))
    let ours = try CheckpointReader(opening: output)
    func optimizer(_ reader: borrowing CheckpointReader) throws -> [String] {
      try reader.manifest.entries.filter { $0.datasetPath.hasPrefix("/optimizer") }.map {
        "\($0.datasetPath) \($0.shape) \($0.storedType) \(try reader.sha256(of: $0))"
      }
    }
    #expect(try optimizer(ours) == optimizer(theirs))
    let file = try HDF5File.open(output)
    let root = try file.root()
    let inner = try root.openGroup("optimizer/inner_optimizer/vars")
    #expect(try inner.memberNames().count == optimizer(ours).count - 4)
    #expect(try inner.attributes.string("name") == "adagrad")
  }

  @Test(
    "the loss scale is listed as lost where Keras keeps none of it",
    arguments: ["keras2-h5", "keras2-weights"])
  func lostLossScale(name: String) throws {
    let folder = try TemporaryDirectory()
    let error = try #require(throws: CheckpointError.self) {
      try CheckpointReader(
        opening: Fixture.path("matrix/keras-3.15/mixed_precision.keras")
      ).convert(to: profile(name), writing: folder.file("out.weights.h5"))
    }
    #expect("\(error)".contains("the loss scale 32768.0"), "\(error)")
  }

  @Test(
    "the state of a legacy class is listed as lost where Keras keeps none of it",
    arguments: ["keras2-weights", "keras2-archive", "tf-keras-weights"])
  func legacyClass(name: String) throws {
    try expectLoss(
      of: "keeps the state of its legacy classes only in whole-model files",
      from: "matrix/keras-2.12/legacy_adagrad.h5", to: name)
  }

  @Test("legacy weights have no optimizer, so one that cannot be read is no obstacle to them")
  func unreadableOptimizer() throws {
    let folder = try TemporaryDirectory()
    let source = folder.file("in.h5")
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: source)
    let file = try HDF5File.openForUpdate(source)
    do {
      let root = try file.root()
      let text = try root.attributes.string("training_config")
      try root.attributes.setString(
        text.replacing("Custom>Adagrad", with: "Custom>Ftrl"), for: "training_config")
    }
    try file.close()
    let reader = try CheckpointReader(opening: source)
    #expect(throws: CheckpointError.self) {
      try reader.convert(to: profile("keras2-weights"), writing: folder.file("a.weights.h5"))
    }
    let losses = try reader.convert(
      to: profile("keras2-weights-h5"), writing: folder.file("b.h5"), acceptingLoss: true)
    #expect(losses[0].contains("the optimizer: Ftrl at iteration"))
    #expect(losses[0].contains("6 slot variables"))
  }

  @Test("accumulated gradients do not reach a file for Keras 2, nor does their setting")
  func gradientAccumulation() throws {
    try expectLoss(
      of: "gradient accumulation", from: "matrix/keras-3.15/gradient_accumulation.h5",
      to: "keras2-weights")
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    try CheckpointReader(
      opening: Fixture.path("matrix/keras-3.15/gradient_accumulation.h5")
    ).convert(to: profile("keras2-weights-h5"), writing: output, acceptingLoss: true)
    let manifest = try CheckpointReader(opening: output).manifest
    #expect(manifest.training == nil && manifest.optimizer == nil)
  }

  @Test("a model that was loaded and saved again has functions in its configuration")
  func functions() throws {
    let folder = try TemporaryDirectory()
    let source = try CheckpointReader(
      opening: Fixture.path("matrix/tf_keras-2.21/resaved.keras"))
    let output = folder.file("out.weights.h5")
    try source.convert(to: profile("tf-keras-weights"), writing: output)
    let result = try CheckpointReader(opening: output)
    #expect(try CheckpointDiff(source, result).isEmpty)
    #expect(result.manifest.training?.loss == source.manifest.training?.loss)
    #expect(try result.manifest.training?.decodedLoss()?.function == .meanSquaredError)
    let json = try #require(
      try source.manifest.training?.json(for: .keras2, in: .attribute)["loss"])
    #expect(json == "mean_squared_error")
  }
}

@Suite("A direction of a Bidirectional that is frozen") struct FrozenDirectionTests {
  private static let source = "matrix/keras-2.12/frozen_wrapped.h5"

  /// The names of the weights of a layer, as a file lists them.
  private func weightNames(_ path: String, _ group: String) throws -> [String] {
    let file = try HDF5File.open(path)
    return try file.root().openGroup(group).attributes.strings("weight_names")
  }

  private func numbers(_ path: String, _ dataset: String) throws -> [Float] {
    let file = try HDF5File.open(path)
    let dataset = try file.root().openDataset(dataset)
    var numbers = [Float](repeating: 0, count: dataset.shape.reduce(1, *))
    try numbers.withUnsafeMutableBytes { try dataset.read(into: $0, as: .float32) }
    return numbers
  }

  @Test("its place at the end of the layer is kept in legacy weights, which Keras reads by order")
  func legacyWeights() throws {
    let folder = try TemporaryDirectory()
    let source = try CheckpointReader(opening: Fixture.path(Self.source))
    let output = folder.file("out.h5")
    try source.convert(
      to: Profile(dialect: .keras2, layout: .legacyWeights), writing: output, acceptingLoss: true)
    let names = try weightNames(output, "both")
    #expect(names.count == 6)
    #expect(names[..<3].allSatisfy { $0.contains("backward_layer") })
    let original = try weightNames(Fixture.path(Self.source), "model_weights/both")
    for (name, originalName) in zip(names, original) {
      #expect(
        try numbers(output, "both/\(name)")
          == numbers(Fixture.path(Self.source), "model_weights/both/\(originalName)"))
    }
    #expect(try CheckpointReader(opening: output).manifest.frozen == source.manifest.frozen)
  }

  @Test("is told by the order alone: variables, slots and a note say so")
  func evidence() throws {
    let manifest = try CheckpointReader(opening: Fixture.path(Self.source)).manifest
    #expect(
      manifest.frozen
        == Set((0..<3).map { VariableID(layer: ["both", "forward_layer", "cell"], index: $0) }))
    #expect(manifest.notes.contains { $0.contains("loads this file into the wrong variables") })
    let other = try CheckpointReader(
      opening: Fixture.path("matrix/keras-2.12/frozen_inner_layer.h5")
    ).manifest
    #expect(other.frozen.isEmpty)
  }

  @Test("is listed as a loss where nothing tells which direction it is")
  func unknown() throws {
    let folder = try TemporaryDirectory()
    let source = folder.file("in.weights.h5")
    try CheckpointReader(opening: Fixture.path(Self.source)).convert(
      to: Profile(dialect: .keras2, layout: .weights), writing: source)
    let file = try HDF5File.openForUpdate(source)
    do { try file.root().openGroup("cairn").attributes.remove("frozen") }
    try file.close()
    let losses = try CheckpointReader(opening: source).convert(
      to: Profile(dialect: .keras2, layout: .legacyWeights), writing: folder.file("out.h5"),
      acceptingLoss: true)
    #expect(losses.contains { $0.contains("the order of the weights in `both`") })
  }

  @Test("keeps its slots tied in weights for a model made by code, and in nothing that rebuilds it")
  func slots() throws {
    let folder = try TemporaryDirectory()
    let source = try CheckpointReader(opening: Fixture.path(Self.source))
    let output = folder.file("out.weights.h5")
    try source.convert(to: Profile(dialect: .keras2, layout: .weights), writing: output)
    let result = try CheckpointReader(opening: output)
    #expect(!result.manifest.entries.contains { $0.role == .untied })
    #expect(try CheckpointDiff(source, result).isEmpty)
    for layout in [Layout.archive, .directory] {
      #expect(throws: CheckpointError.self) {
        try source.load().save(
          to: folder.file("x"), profile: Profile(dialect: .keras2, layout: layout))
      }
    }
  }

  @Test(
    "an optimizer of a class that Cairn does not know is a loss like others: refused, or left out when that is accepted",
    arguments: [
      "keras2-h5", "keras2-weights", "tf-keras-archive", "keras3-archive", "keras3-directory",
    ])
  func unknownOptimizer(profileName: String) throws {
    let folder = try TemporaryDirectory()
    let source = folder.file("source.h5")
    var checkpoint = try CheckpointReader(opening: Fixture.path("keras-2.12/mlp.h5")).load()
    checkpoint.optimizer?.configuration.arithmetic = .keras2
    try checkpoint.save(to: source, profile: Profile(dialect: .keras2, layout: .wholeModel))
    let file = try HDF5File.openForUpdate(source)
    do {
      let root = try file.root()
      let text = try root.attributes.string("training_config")
      try root.attributes.remove("training_config")
      try root.attributes.setString(
        text.replacing("Custom>Adagrad", with: "Custom>Nadam"), for: "training_config",
        as: .variable(.ascii))
    }
    try file.close()
    let reader = try CheckpointReader(opening: source, verifying: false)
    let profile = try #require(Profile(name: profileName))
    guard profile != Profile(dialect: .keras2, layout: .wholeModel) else {
      // The same profile needs no words for it.
      #expect(try reader.convert(to: profile, writing: folder.file("copy.h5")) == [])
      return
    }
    let output = folder.file("out\(profile.layout.fileSuffix)")
    let error = try #require(throws: CheckpointError.self) {
      try reader.convert(to: profile, writing: output)
    }
    #expect(error.kind == .refused && "\(error)".contains("the optimizer: Nadam at iteration"))
    #expect(try folder.names() == ["source.h5"])
    let losses = try reader.convert(to: profile, writing: output, acceptingLoss: true)
    #expect(losses.count == 2 && losses[0].contains("`Nadam` is not supported; known: Adagrad"))
    let result = try CheckpointReader(opening: output)
    #expect(result.manifest.optimizer == nil && result.manifest.training == nil)
    for (before, after) in zip(checkpoint.variables, try result.load().variables) {
      #expect(before.name == after.name && before.value.isIdentical(to: after.value))
    }
    #expect(try result.load().variables.count == checkpoint.variables.count)
  }
}
