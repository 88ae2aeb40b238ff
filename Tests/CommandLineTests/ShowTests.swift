import Foundation
import HDF5
import TestSupport
import Testing

@Suite("checkpoint-inspect show")
struct ShowTests {
  private static let generations = ["keras-2.12", "keras-3.15"]
  private static let models = ["mlp", "mlp_ema", "embedding", "flatten"]

  @Test(
    "prints text as committed", arguments: generations,
    ["mlp.h5", "mlp.weights.h5", "mlp_ema.h5", "mlp_ema.weights.h5"])
  func text(generation: String, file: String) throws {
    try ExpectedOutput.check("show-\(generation)-\(file).txt", ["show", "\(generation)/\(file)"])
  }

  @Test(
    "answers a file without options, which is not parsed, as it answers with the options' defaults",
    arguments: [
      "keras-3.15/mlp_ema.weights.h5", "keras-2.12/mlp.h5", "keras-3.15", "README.md", "nothing",
      "-",
    ])
  func plainForm(file: String) throws {
    let folder = Fixture.path("")
    let plain = try BuiltProduct.checkpointInspect.run(["show", file], in: folder)
    let parsed = try BuiltProduct.checkpointInspect.run(
      ["show", file, "--format", "text", "--color", "auto", "--sort", "file"], in: folder)
    #expect(plain.output == parsed.output)
    #expect(plain.errors == parsed.errors)
    #expect(plain.exitCode == parsed.exitCode)
    #expect(!(plain.output + plain.errors).isEmpty)
  }

  @Test("prints digests and statistics as committed", arguments: generations)
  func details(generation: String) throws {
    try ExpectedOutput.check(
      "show-\(generation)-flatten.h5-details.txt",
      ["show", "\(generation)/flatten.h5", "--digests", "--statistics"])
  }

  @Test(
    "prints JSON as committed", arguments: generations, ["flatten.h5", "flatten.weights.h5"])
  func json(generation: String, file: String) throws {
    try ExpectedOutput.check(
      "show-\(generation)-\(file).json",
      ["show", "\(generation)/\(file)", "--digests", "--statistics", "--format", "json"])
  }

  @Test("prints the optimizer's health as committed", arguments: generations)
  func health(generation: String) throws {
    for file in ["mlp_ema.h5", "embedding.h5", "adam.h5"] {
      try ExpectedOutput.check(
        "show-\(generation)-\(file)-health.txt", ["show", "\(generation)/\(file)", "--health"])
    }
    try ExpectedOutput.check(
      "show-\(generation)-embedding.h5-health.json",
      ["show", "\(generation)/embedding.h5", "--health", "--format", "json"])
  }

  @Test(
    "prints records as committed",
    arguments: [("csv", "csv"), ("ndjson", "ndjson"), ("markdown", "md")])
  func records(format: String, suffix: String) throws {
    try ExpectedOutput.check(
      "show-keras-3.15-embedding.h5.\(suffix)",
      [
        "show", "keras-3.15/embedding.h5", "--statistics", "--health", "--sort", "size",
        "--format", format,
      ])
  }

  @Test("prints every layout as committed")
  func layouts() throws {
    let folder = try TemporaryDirectory()
    let original = Fixture.path("keras-3.15/mlp_ema.h5")
    for (profile, name) in [("keras3-archive", "x.keras"), ("keras2-weights-h5", "x.h5")] {
      expectSuccess(
        try inspect("convert", original, folder.file(name), "--to", profile, "--accept-loss"))
      try ExpectedOutput.check(
        "show-\(profile).txt", ["show", name, "--statistics"], in: folder.path)
    }
    for suffix in ["safetensors", "npz"] {
      expectSuccess(try inspect("export", original, folder.file("plain.\(suffix)")))
      try ExpectedOutput.check(
        "show-\(suffix).txt", ["show", "plain.\(suffix)", "--statistics"], in: folder.path)
    }
    for file in ["mlp_ema.weights.json", "mlp_ema.directory"] {
      try ExpectedOutput.check("show-\(file).txt", ["show", "keras-3.15/\(file)"])
    }
  }

  @Test("tells tensors and rows that never moved, and averages that lag behind")
  func frozen() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("m.h5")
    try DataFiles.altered(Fixture.path("keras-2.12/embedding.h5"), as: model) { root in
      let dataset = try root.openDataset(
        "optimizer_weights/Adagrad/accumulator/tokens/embeddings:0")
      var elements = [Float](repeating: 0.1, count: dataset.elementCount)
      elements[8] = 0.4
      try elements.withUnsafeBytes { try dataset.write(from: $0) }
    }
    let shown = try inspect("show", model, "--health")
    expectSuccess(shown)
    #expect(shown.output.contains("29 of 30"))
  }

  @Test("refuses filters that select nothing, and says what may have been meant")
  func filters() throws {
    let model = Fixture.path("keras-3.15/embedding.h5")
    expectTrouble(
      try inspect("show", model, "--only", "token/*"), "'token/*'", "did you mean 'tokens/*'?")
    expectTrouble(
      try inspect("show", model, "--only", "*/*", "--only", "*/kernl"), "did you mean '*/kernel'?")
    expectTrouble(try inspect("show", model, "--exclude", "*"), "leave none of its")
    expectTrouble(
      try inspect("show", model, "--role", "lossScale"), "iteration, learningRate, slot, weight")
    #expect(try inspect("show", model, "--sort", "colour").exitCode == 64)
  }

  /// What Keras's own objects held when they were saved.
  private struct Truth: Decodable {
    struct Variable: Decodable {
      let name: String
      let shape: [Int]
      let dtype: String
      let byteCount: Int
      let sha256: String
    }
    struct Slot: Decodable {
      let slot: String
      let variable: String
      let shape: [Int]
      let dtype: String
      let byteCount: Int
      let sha256: String
    }
    struct Optimizer: Decodable {
      let className: String
      let iterations: Int
      let learningRate: Double
      let slots: [Slot]
    }
    let variables: [Variable]
    let optimizer: Optimizer

    init(_ generation: String, _ model: String) throws {
      self = try JSONDecoder().decode(
        Self.self, from: contents(of: Fixture.path("\(generation)/\(model).truth.json")))
    }
  }

  @Test(
    "says of whole models what Keras says: names, shapes, digests, slots and their owners",
    arguments: generations, models)
  func truthOfWholeModels(generation: String, model: String) throws {
    let truth = try Truth(generation, model)
    let shown = try Shown(Fixture.path("\(generation)/\(model).h5"))
    #expect(shown.schemaVersion == 1)
    #expect(shown.kerasVersion?.hasPrefix(generation.dropFirst("keras-".count)) == true)
    #expect(shown.optimizer?.className == truth.optimizer.className)
    #expect(shown.optimizer?.iterations == truth.optimizer.iterations)
    #expect(shown.optimizer?.learningRate == truth.optimizer.learningRate)

    let weights = shown.variables.filter { $0.role == "weight" }
    #expect(weights.map(\.name) == truth.variables.map(\.name))
    for (found, expected) in zip(weights, truth.variables) {
      #expect(found.shape == expected.shape)
      #expect(found.dtype == expected.dtype)
      #expect(found.byteCount == expected.byteCount)
      #expect(found.sha256 == expected.sha256)
    }
    let slots = shown.variables.filter { $0.role == "slot" }
    #expect(slots.count == truth.optimizer.slots.count)
    for expected in truth.optimizer.slots {
      let found = try #require(
        slots.first { $0.slot == expected.slot && $0.variable == expected.variable })
      #expect(found.name == "\(expected.slot)/\(expected.variable)")
      #expect(found.shape == expected.shape)
      #expect(found.dtype == expected.dtype)
      #expect(found.byteCount == expected.byteCount)
      #expect(found.sha256 == expected.sha256)
    }
  }

  @Test("finds every tensor of weights files, bit for bit", arguments: generations, models)
  func truthOfWeightsFiles(generation: String, model: String) throws {
    let truth = try Truth(generation, model)
    let shown = try Shown(Fixture.path("\(generation)/\(model).weights.h5"))
    let weights = shown.variables.filter { $0.role == "weight" }
    #expect(
      weights.compactMap(\.sha256).sorted() == truth.variables.map(\.sha256).sorted())
    let all = Set(shown.variables.compactMap(\.sha256))
    for slot in truth.optimizer.slots { #expect(all.contains(slot.sha256)) }
    #expect(shown.optimizer?.iterations == truth.optimizer.iterations)
  }

  @Test("JSON has the documented keys and words")
  func keys() throws {
    for file in [
      "keras-2.12/mlp_ema.h5", "keras-2.12/mlp.weights.h5", "keras-3.15/mlp_ema.weights.h5",
    ] {
      let outcome = try inspect("show", Fixture.path(file), "--format", "json", "--digests")
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      #expect(
        Set(report.keys).isSuperset(of: [
          "schemaVersion", "layout", "dialect", "kerasVersion", "variables", "optimizer",
        ]))
      let optimizer = try #require(report["optimizer"] as? [String: Any])
      #expect(
        Set(optimizer.keys).isSuperset(of: [
          "className", "iterations", "learningRate", "configuration",
        ]))
      for variable in try #require(report["variables"] as? [[String: Any]]) {
        let role = variable["role"] as? String ?? ""
        var keys: Set = ["name", "datasetPath", "role", "shape", "dtype", "byteCount", "sha256"]
        switch role {
        case "weight": keys.insert("layer")
        case "slot": keys.formUnion(["slot", "variable"])
        default: #expect(["iteration", "learningRate", "other"].contains(role))
        }
        #expect(Set(variable.keys) == keys)
      }
    }
  }

  @Test("digests are left out unless asked for, and nothing is written")
  func noDigests() throws {
    let folder = try TemporaryDirectory()
    let model = folder.file("m.h5")
    try FileManager.default.copyItem(atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: model)
    let before = try contents(of: model)
    let outcome = try inspect("show", model, "--format", "json", in: folder.path)
    expectSuccess(outcome)
    #expect(!outcome.output.contains("sha256") && !outcome.output.contains("statistics"))
    #expect(try contents(of: model) == before)
    #expect(try folder.names() == ["m.h5"])
  }
}
