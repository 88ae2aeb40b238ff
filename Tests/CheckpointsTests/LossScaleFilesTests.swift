import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Optimizers inside one that scales the loss") struct LossScaleFilesTests {
  private static let keras2 = "matrix/keras-2.12/mixed_precision.h5"
  private static let tfKeras = "matrix/tf_keras-2.21/mixed_precision.keras"
  private static let legacy = "matrix/keras-2.12/mixed_precision_legacy.h5"

  private func reader(_ name: String) throws -> CheckpointReader {
    try CheckpointReader(opening: Fixture.path(name))
  }

  /// The optimizer in the configuration of a whole-model file.
  private func entry(_ path: String) throws -> JSONValue? {
    let file = try HDF5File.open(path)
    let text = try file.root().attributes.string("training_config")
    return try JSONValue(parsing: text)["optimizer_config"]
  }

  @Test(
    "are read from files of Keras 2, and their scale starts anew, since no layout holds it",
    arguments: [keras2, tfKeras, legacy, "matrix/keras-3.15/mixed_precision.keras"])
  func read(name: String) throws {
    let optimizer = try #require(try reader(name).load().optimizer)
    #expect(optimizer.configuration.rule == .adagrad())
    #expect((optimizer.configuration.arithmetic == .kerasLegacy) == (name == Self.legacy))
    #expect(optimizer.iterations == 2)
    #expect(optimizer.slots.count == (name == Self.legacy ? 8 : 7))
    let isKeras3 = name.contains("keras-3.15")
    #expect(
      optimizer.lossScale == LossScaleState(stepCounter: isKeras3 ? 2 : 0, scale: 32768))
  }

  @Test(
    "come to Keras 3 with the four numbers without which it drops the whole state",
    arguments: [keras2, tfKeras], ["keras3-weights", "keras3-sharded", "keras3-archive"])
  func toKeras3(name: String, profileName: String) throws {
    let folder = try TemporaryDirectory()
    let profile = try #require(Profile(name: profileName))
    let output = folder.file("out\(profile.layout.fileSuffix)")
    #expect(try reader(name).convert(to: profile, writing: output) == [])
    let result = try CheckpointReader(opening: output)
    let numbers = result.manifest.entries.filter { $0.role == .lossScale }
    #expect(numbers.map(\.datasetPath) == (0..<4).map { "/optimizer/vars/\($0)" })
    #expect(try CheckpointDiff(reader(name), result).isEmpty)
    if profile.layout == .archive {
      // Without the wrapper Keras 3 would want four variables less, unless its policy is the model's.
      #expect(result.manifest.training?.optimizer?.className == "LossScaleOptimizer")
      #expect(result.manifest.training?.optimizer?.inner?.className == "Adagrad")
    }
  }

  @Test("stand twice in weights, as each Keras has them")
  func twice() throws {
    let folder = try TemporaryDirectory()
    for (profileName, group) in [
      ("keras2-weights", "_optimizer"), ("tf-keras-weights", "inner_optimizer"),
    ] {
      let output = folder.file("\(profileName).weights.h5")
      try reader(Self.keras2).convert(to: #require(Profile(name: profileName)), writing: output)
      let file = try HDF5File.open(output)
      let root = try file.root()
      let outer = try root.openGroup("optimizer/vars")
      let inner = try root.openGroup("optimizer/\(group)/vars")
      #expect(try inner.memberNames() == outer.memberNames())
      #expect(try inner.memberNames().count == 8)
    }
  }

  @Test("are spelled without it where Keras 2 restores them only so, and return to their own words")
  func spelling() throws {
    let folder = try TemporaryDirectory()
    let (there, back) = (folder.file("there.h5"), folder.file("back.h5"))
    try reader(Self.keras2).convert(to: #require(Profile(name: "tf-keras-h5")), writing: there)
    #expect(try entry(there)?["class_name"] == "Custom>Adagrad")
    try CheckpointReader(opening: there).convert(
      to: #require(Profile(name: "keras2-h5")), writing: back)
    #expect(try entry(back)?.text == entry(Fixture.path(Self.keras2))?.text)
    #expect(try entry(back)?["class_name"] == "LossScaleOptimizerV3")
  }

  @Test(
    "that an archive of tf_keras names, as one does that was loaded and saved again, are named again",
    arguments: ["keras2-h5", "keras2-archive", "tf-keras-h5", "tf-keras-weights", "keras3-archive"])
  func namedInArchives(profileName: String) throws {
    let folder = try TemporaryDirectory()
    let (source, there, back) = (
      folder.file("source.keras"), folder.file("there"), folder.file("back.keras")
    )
    var checkpoint = try reader(Self.tfKeras).load()
    let inner = try #require(checkpoint.training?.optimizer?.json)
    checkpoint.training?.optimizer?.json = [
      "module": "tf_keras.src.mixed_precision.loss_scale_optimizer",
      "class_name": "LossScaleOptimizerV3",
      "config": [
        "inner_optimizer": inner, "dynamic": true, "initial_scale": 32768.0,
        "dynamic_growth_steps": 2000,
      ],
      "registered_name": "LossScaleOptimizerV3",
    ]
    let own = Profile(dialect: .tfKeras, layout: .archive)
    try checkpoint.save(to: source, profile: own)
    let profile = try #require(Profile(name: profileName))
    let path = there + profile.layout.fileSuffix
    #expect(try CheckpointReader(opening: source).convert(to: profile, writing: path) == [])
    try CheckpointReader(opening: path).convert(to: own, writing: back)
    let (before, after) = (
      try CheckpointReader(opening: source).manifest, try CheckpointReader(opening: back).manifest
    )
    #expect(before.optimizer?.entry?.inner?.json == inner)
    #expect(after.optimizer?.entry?.json.text == before.optimizer?.entry?.json.text)
  }

  @Test("keep a scale of their own in every layout with a configuration")
  func ownScale() throws {
    let folder = try TemporaryDirectory()
    var checkpoint = try reader(Self.keras2).load()
    var json = try #require(checkpoint.training?.optimizer?.json.object)
    var config = try #require(json["config"]?.object)
    config["initial_scale"] = 1024.0
    json["config"] = .object(config)
    checkpoint.training?.optimizer?.json = .object(json)
    checkpoint.optimizer?.lossScale = LossScaleState(stepCounter: 0, scale: 1024)
    let source = folder.file("source.h5")
    try checkpoint.save(to: source, profile: Profile(dialect: .keras2, layout: .wholeModel))
    let reader = try CheckpointReader(opening: source)
    #expect(try reader.load().optimizer?.lossScale?.scale == 1024)

    let whole = folder.file("whole.h5")
    #expect(try reader.convert(to: #require(Profile(name: "tf-keras-h5")), writing: whole) == [])
    #expect(try entry(whole)?["config"]?["initial_scale"] == 1024.0)
    let archive = folder.file("x.keras")
    #expect(
      try reader.convert(to: #require(Profile(name: "keras2-archive")), writing: archive) == [])
    let scaling = try CheckpointReader(opening: archive).manifest.optimizer?.entry?.lossScaling
    #expect(scaling?.initialScale == 1024)
    let words = try CheckpointReader(opening: archive).manifest.optimizer?.entry?.json
    #expect(words?["module"] == "keras.mixed_precision.loss_scale_optimizer")
    #expect(words?["config"]?["inner_optimizer"]?["class_name"] == "Custom>Adagrad")
  }

  @Test("of the legacy classes are spelled as Keras 2 and tf_keras spell them")
  func legacyWords() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    var checkpoint = try reader(Self.legacy).load()
    try checkpoint.save(to: output, profile: Profile(dialect: .keras2, layout: .wholeModel))
    #expect(try entry(output)?.text == entry(Fixture.path(Self.legacy))?.text)
    checkpoint.training?.optimizer = nil
    let configuration = try #require(checkpoint.optimizer?.configuration)
    let json = try configuration.jsonScalingLoss(
      as: LossScaling(), for: .tfKeras, in: .attribute)
    #expect(json["class_name"] == "LossScaleOptimizer")
    #expect(json["config"]?["inner_optimizer"]?["module"] == "keras.optimizers.legacy")
    #expect(json["config"]?["inner_optimizer"]?["config"]?["decay"] == 0.0)
  }
}
