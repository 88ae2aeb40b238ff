import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import TestSupport
import Testing

@Suite("Sharded weights") struct ShardedTests {
  private let profile = Profile(dialect: .keras3, layout: .sharded)
  private let original = Fixture.path("keras-3.15/mlp_ema.h5")

  private func save(to path: String, shard: Int, replacing: Bool = false) throws {
    try CheckpointReader(opening: original).load()
      .save(to: path, profile: profile, replacing: replacing, maximumShardByteCount: shard)
  }

  private func expectSame(_ path: String) throws {
    let reader = try CheckpointReader(opening: path)
    #expect(reader.manifest.layout == .sharded)
    let diff = try CheckpointDiff(CheckpointReader(opening: original), reader)
    #expect(diff.isEmpty, "\(diff.configuration)")
    #expect(diff.items.count == 22)
  }

  private func map(_ path: String) throws -> JSONObject {
    try #require(
      JSONValue(parsing: String(contentsOfFile: path, encoding: .utf8))["weight_map"]?.object)
  }

  @Test("what Keras wrote tells what Keras says of itself, slots over several shards included")
  func keras() throws {
    let fixture = try KerasFixture("keras-3.15/mlp_ema")
    let reader = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.weights.json"))
    #expect(reader.manifest.layout == .sharded)
    #expect(reader.manifest.dialect == .keras3)
    // Shards hold no configuration: the first block may be averages or gradient accumulators.
    #expect(reader.manifest.notes.contains { $0.contains("averages and gradient accumulators") })
    #expect(reader.manifest.entries.filter { $0.role == .untied }.count == 6)
    #expect(reader.manifest.optimizer?.iterations == Int64(fixture.iterations))
    #expect(Float(reader.manifest.optimizer?.learningRate ?? 0) == Float(fixture.learningRate))
    var found: [String: String] = [:]
    for entry in reader.manifest.entries where ["weight", "slot"].contains(entry.role.keyword) {
      found[entry.name] = try reader.sha256(of: entry)
    }
    let expected = (fixture.variables + fixture.slots)
      .filter { !$0.name.hasPrefix("average/") }.map { ($0.name, $0.sha256) }
    #expect(found == Dictionary(uniqueKeysWithValues: expected))
  }

  @Test("an object has its name from whichever file says it: Keras names it where it comes to it")
  func names() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try CheckpointReader(opening: Fixture.path("matrix/keras-3.15/unicode_names.keras")).convert(
      to: profile, writing: path, maximumShardByteCount: 1)
    // As Keras leaves the files: without Cairn's group, and with names one file earlier.
    let shards = try folder.names().filter { $0.hasSuffix(".h5") }
    for (index, shard) in shards.enumerated() {
      let file = try HDF5File.openForUpdate(folder.file(shard))
      do {
        let root = try file.root()
        try root.remove("cairn")
        if index == 0 {
          try root.createGroup("layers/dense_1/vars").attributes
            .setString("a:b c%", for: "name", as: .variable(.utf8))
        } else if try root.exists("layers"), try root.exists("layers/dense_1") {
          let group = try root.openGroup("layers/dense_1/vars")
          if try group.attributes.contains("name") { try group.attributes.remove("name") }
        }
      }
      try file.close()
    }
    let manifest = try CheckpointReader(opening: path, verifying: false).manifest
    let names = manifest.entries.filter { $0.role.keyword == "weight" }.map(\.name)
    #expect(
      names == ["Größe 数/kernel", "Größe 数/bias", "a:b c%/kernel", "a:b c%/bias"])
    #expect(manifest.dialect == .keras3)
  }

  @Test(
    "what is saved is what is loaded, whatever the size of shards", arguments: [1, 900, 1 << 40])
  func roundTrip(shard: Int) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try save(to: path, shard: shard)
    try expectSame(path)
    let names = try folder.names()
    #expect(names.count == (shard == 1 ? 23 : shard == 900 ? 7 : 2))
    #expect(names.contains("x_00000.weights.h5"))
    #expect(try map(path).keys.contains("/optimizer/vars"))
    #expect(try CheckpointReader(opening: path).load().variables.count == 8)
  }

  @Test("replacing leaves one whole checkpoint, and the file that Keras insists on")
  func replacing() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try save(to: path, shard: 900)
    let before = try folder.names()
    #expect(throws: CheckpointError.self) { try save(to: path, shard: 2000) }
    #expect(try folder.names() == before)
    try expectSame(path)

    try save(to: path, shard: 2000, replacing: true)
    try expectSame(path)
    let shards = Set(try map(path).pairs.flatMap { $0.value.array!.map { $0.string! } })
    #expect(try Set(folder.names()) == shards.union(["x.weights.json", "x_00000.weights.h5"]))
    try save(to: path, shard: 2000, replacing: true)
    try expectSame(path)
    #expect(try folder.names().count == shards.count + 2)
  }

  @Test("shards of a writer that died are removed by the next save, those of another map are not")
  func abandoned() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try save(to: path, shard: 1 << 30)
    // No process has the number 4194305: the most that Linux gives is 4194304.
    let dead = ["x-4194305-ab_00000.weights.h5", "x-4194305-ab_00001.weights.h5"]
    let others = [
      "x-4194305-cd.weights.json", "x-4194305-cd_00000.weights.h5", "x-y_00000.weights.h5",
    ]
    for name in dead + others {
      try Data("content".utf8).write(to: URL(fileURLWithPath: folder.file(name)))
    }
    try save(to: path, shard: 1 << 30, replacing: true)
    let names = try folder.names()
    #expect(!dead.contains(where: names.contains))
    #expect(others.allSatisfy(names.contains))
    try expectSame(path)
  }

  @Test("a save that fails at its last step leaves nothing behind")
  func failure() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    for replacing in [false, true] {
      #expect(throws: CheckpointError.self) { try save(to: path, shard: 900, replacing: replacing) }
      #expect(try folder.names() == ["x.weights.json"])
    }
  }

  @Test("tensors are restored into the shards that hold them, the others stay as they are")
  func restoring() throws {
    let folder = try TemporaryDirectory()
    let (path, output) = (folder.file("x.weights.json"), folder.file("y.weights.json"))
    try save(to: path, shard: 900)
    let source = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp.h5"))
    let target = try CheckpointReader(opening: path)
    let plan = RestorePlan(
      source: source.manifest, target: target.manifest, only: Glob("accumulator/*"))
    try source.restore(plan, into: target, writing: output)
    let changed = try CheckpointDiff(target, CheckpointReader(opening: output)).items
      .filter { $0.outcome.keyword != "equal" }.map(\.name)
    #expect(changed.count == 6 && changed.allSatisfy { $0.hasPrefix("accumulator/") })
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.file("x_00000.weights.h5")))
        == Data(contentsOf: URL(fileURLWithPath: folder.file("y_00000.weights.h5"))))
  }

  /// A model of one layer that has no weights.
  private func weightless(iterations: Int64?) throws -> Checkpoint {
    let model = try ModelConfiguration(
      sequential: [
        ["class_name": "InputLayer", "config": ["batch_shape": [.null, 2], "name": "x"]],
        ["class_name": "Flatten", "config": ["name": "f"]],
      ], dialect: .keras3)
    var checkpoint = Checkpoint(model: model, variables: [])
    if let iterations {
      let configuration = OptimizerConfiguration(arithmetic: .keras3)
      checkpoint.training = try TrainingConfiguration(
        loss: .init(.meanSquaredError), optimizer: configuration, dialect: .keras3)
      checkpoint.optimizer = OptimizerState(
        configuration: configuration, iterations: iterations, slots: [])
    }
    return checkpoint
  }

  @Test(
    "a model without weights is saved, replaced, copied, verified and read, its optimizer included",
    arguments: [nil, 7] as [Int64?])
  func withoutWeights(iterations: Int64?) throws {
    let folder = try TemporaryDirectory()
    let (path, copy) = (folder.file("x.weights.json"), folder.file("y.weights.json"))
    try save(to: path, shard: 900)
    for turn in 1...2 {
      try weightless(iterations: iterations).save(to: path, profile: profile, replacing: true)
      if turn == 1, iterations == nil {
        #expect(try Set(folder.names()) == ["x.weights.json", "x_00000.weights.h5"])
      }
      let manifest = try CheckpointReader(opening: path).manifest
      #expect(manifest.layout == .sharded && manifest.dialect == .keras3)
      #expect(manifest.model?.name == "m")
      #expect(manifest.optimizer?.iterations == iterations)
      #expect(try CheckpointReader.verify(path).isWhole)
    }
    #expect(try map(path).pairs.isEmpty == (iterations == nil))
    try CheckpointReader(opening: path).convert(to: profile, writing: copy)
    #expect(
      try CheckpointDiff(CheckpointReader(opening: path), CheckpointReader(opening: copy)).isEmpty)
  }

  @Test("an empty map is read with the file that Keras 3 leaves beside it, and not without")
  func emptyMap() throws {
    let folder = try TemporaryDirectory()
    let (path, shard) = (folder.file("x.weights.json"), folder.file("x_00000.weights.h5"))
    try Data(#"{"metadata": {"total_size": 0}, "weight_map": {}}"#.utf8)
      .write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect(error.kind == .unreadable && "\(error)".contains("x_00000.weights.h5"))
    let file = try HDF5File.create(shard)
    do {
      _ = try file.root().createGroup("vars")
      try file.root().createGroup("layers/flatten/vars").attributes
        .setString("f", for: "name", as: .variable(.utf8))
    }
    try file.close()
    let manifest = try CheckpointReader(opening: path).manifest
    #expect(manifest.layout == .sharded && manifest.dialect == .keras3)
    #expect(manifest.entries.isEmpty && manifest.optimizer == nil)
  }

  @Test(
    "a map that leads elsewhere, or contradicts itself or the files, is refused",
    arguments: [
      (#"{"metadata": {}}"#, CheckpointError.Kind.unrecognized),
      (#"{"weight_map": {}}"#, .inconsistent),
      (#"{"weight_map": {"/layers/dense/vars": "../x_00000.weights.h5"}}"#, .inconsistent),
      (#"{"weight_map": {"/layers/dense/vars": "/etc/passwd"}}"#, .inconsistent),
      (#"{"weight_map": {"/layers/dense/vars": [3]}}"#, .inconsistent),
      (#"{"weight_map": {"/layers/dense/vars": []}}"#, .inconsistent),
      (#"{"weight_map": {"/": "x_00000.weights.h5"}}"#, .inconsistent),
      (
        #"{"weight_map": {"/layers/dense/vars": ["x_00000.weights.h5", "x_00000.weights.h5"]}}"#,
        .inconsistent
      ),
      (#"{"weight_map": {"/layers/dens/vars": "x_00000.weights.h5"}}"#, .inconsistent),
      (#"{"weight_map": {"/layers/dense/vars": "none.weights.h5"}}"#, .unreadable),
      (#"{"weight_map": {"/layers"#, .unreadable),
    ])
  func hostileMaps(text: String, kind: CheckpointError.Kind) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try save(to: path, shard: 1 << 30)
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect(error.kind == kind, "\(error)")
  }
}
