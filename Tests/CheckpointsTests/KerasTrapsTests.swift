import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Keras's own traps") struct KerasTrapsTests {
  private func manifest(
    _ dialect: Dialect, _ layout: Layout, optimizer: JSONValue = .null, loss: JSONValue = "mse",
    dtype: DType = .float32
  ) throws -> CheckpointManifest {
    let variable = VariableID(layer: ["dense"], index: 0)
    func entry(_ name: String, _ role: CheckpointEntry.Role) -> CheckpointEntry {
      CheckpointEntry(
        name: name, role: role, datasetPath: name, shape: [2], dtype: dtype,
        storedType: dtype.rawValue, byteCount: 2 * dtype.byteCount)
    }
    let key = layout == .wholeModel ? "optimizer_config" : "optimizer"
    return CheckpointManifest(
      layout: layout, dialect: dialect, kerasVersion: nil,
      entries: [
        entry("dense/kernel", .weight(variable)),
        entry(
          "accumulator/dense/kernel",
          .slot(slot: "accumulator", owner: variable, ownerName: "dense/kernel")),
      ], optimizer: nil, model: nil,
      training: try TrainingConfiguration(
        json: .object(JSONObject([("loss", loss), (key, optimizer)])), dialect: dialect),
      resumption: nil, notes: [])
  }

  @Test("Keras 3 forgets slots of its whole-model files, and of no other")
  func wholeModel() throws {
    let note = "Keras 3 restores only the counter"
    #expect(
      try KerasTraps.notes(on: manifest(.keras3, .wholeModel)).contains { $0.hasPrefix(note) })
    #expect(
      try !KerasTraps.notes(on: manifest(.keras3, .archive)).contains { $0.hasPrefix(note) })
    #expect(
      try !KerasTraps.notes(on: manifest(.keras2, .wholeModel)).contains { $0.hasPrefix(note) })
  }

  @Test(
    "a short name of a loss is told, wherever it stands",
    arguments: ["mse", ["mean_squared_error", "mae"], ["a": "bce"]] as [JSONValue])
  func shortLoss(loss: JSONValue) throws {
    let notes = KerasTraps.notes(on: try manifest(.keras3, .wholeModel, loss: loss))
    #expect(notes.contains { $0.contains("short name") })
    let long = KerasTraps.notes(
      on: try manifest(.keras3, .wholeModel, loss: "mean_squared_error"))
    #expect(!long.contains { $0.contains("short name") })
  }

  @Test("bfloat16 is told where its writer cannot read it")
  func bfloat16() throws {
    func isTold(_ dialect: Dialect, _ layout: Layout, _ dtype: DType = .bfloat16) throws -> Bool {
      try KerasTraps.notes(on: manifest(dialect, layout, dtype: dtype)).contains {
        $0.contains("bfloat16")
      }
    }
    #expect(try isTold(.keras2, .archive))
    #expect(try isTold(.tfKeras, .legacyWeights))
    #expect(try isTold(.keras3, .wholeModel))
    #expect(try !isTold(.keras3, .archive))
    #expect(try !isTold(.keras2, .archive, .float16))
  }

  @Test("a loss scale is told where the optimizer inside it is not restored")
  func lossScale() throws {
    let optimizer: JSONValue = [
      "class_name": "LossScaleOptimizerV3",
      "config": ["inner_optimizer": ["class_name": "Custom>Adagrad", "config": [:]]],
    ]
    let notes = KerasTraps.notes(on: try manifest(.keras2, .wholeModel, optimizer: optimizer))
    #expect(notes.contains { $0.contains("scales its loss") })
  }

  @Test("a stored rate that is not the configured one is told")
  func storedRate() throws {
    var manifest = try manifest(.keras3, .archive)
    manifest.entries.append(
      CheckpointEntry(
        name: "learning_rate", role: .learningRate, datasetPath: "r", shape: [], dtype: .float32,
        storedType: "float32", byteCount: 4))
    for (rate, isTold) in [(0.25, true), (0.75, false)] {
      manifest.optimizer = OptimizerSummary(
        className: "Adagrad",
        entry: OptimizerEntry(
          json: ["class_name": "Adagrad", "config": ["learning_rate": 0.75]], dialect: .keras3),
        learningRate: rate)
      #expect(
        KerasTraps.notes(on: manifest).contains { $0.contains("is in force") } == isTold)
    }
  }

  @Test("weights that equal their averages are told; others are not")
  func averages() throws {
    let folder = try TemporaryDirectory()
    let note = "equal their moving averages"
    let original = try CheckpointReader(opening: KerasFixture("keras-2.12/mlp_ema").wholeModel)
    #expect(!original.manifest.notes.contains { $0.contains(note) })
    var checkpoint = try original.load()
    var averages: [VariableID: Tensor] = [:]
    for slot in checkpoint.optimizer!.slots where slot.slot == "average" {
      averages[slot.owner] = slot.value
    }
    for index in checkpoint.variables.indices {
      if let average = averages[checkpoint.variables[index].id] {
        checkpoint.variables[index].value = average
      }
    }
    let path = folder.file("averaged.h5")
    try checkpoint.save(
      to: path, profile: Profile(dialect: .keras2, layout: .wholeModel))
    let notes = try CheckpointReader(opening: path).manifest.notes
    #expect(notes.contains { $0.contains(note) })
  }
}
