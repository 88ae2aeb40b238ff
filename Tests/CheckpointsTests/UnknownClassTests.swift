import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Layers of classes that Cairn does not know") struct UnknownClassTests {
  private static let wholeModel = "matrix/keras-3.15/custom_layer.h5"
  private static let archive = "matrix/keras-3.15/custom_layer.keras"

  private func names(_ file: String) throws -> [String] {
    try CheckpointReader(opening: Fixture.path(file)).manifest.entries
      .filter { $0.role.keyword == "weight" }.map(\.name)
  }

  @Test("number their variables in every layout, whether or not it stores names")
  func numbers() throws {
    let expected = [
      "dense/kernel", "dense/bias", "scale/#0", "scale/#1", "dense_1/kernel", "dense_1/bias",
    ]
    #expect(try names(Self.wholeModel) == expected)
    #expect(try names(Self.archive) == expected)
  }

  @Test("are compared variable by variable, whatever the two layouts")
  func diff() throws {
    let diff = try CheckpointDiff(
      CheckpointReader(opening: Fixture.path(Self.wholeModel)),
      CheckpointReader(opening: Fixture.path(Self.archive)))
    for name in ["scale/#0", "scale/#1"] {
      let item = try #require(diff.items.first { $0.name == name })
      guard case .equal = item.outcome else {
        Issue.record("\(name): \(item.outcome)")
        continue
      }
    }
  }

  @Test("have their slots tied by the names that a whole model stores")
  func slots() throws {
    let manifest = try CheckpointReader(opening: Fixture.path(Self.wholeModel)).manifest
    #expect(manifest.entry(named: "accumulator/scale/#0") != nil)
    #expect(!manifest.entries.contains { $0.role == .untied })
  }

  @Test(
    "have their slots tied by the only selection of variables that fits them, and a note says so")
  func slotsOfNumbers() throws {
    let named = try CheckpointReader(opening: Fixture.path(Self.wholeModel))
    let numbered = try CheckpointReader(opening: Fixture.path(Self.archive))
    #expect(!numbered.manifest.entries.contains { $0.role == .untied })
    #expect(numbered.manifest.notes.contains { $0.contains("`scale`") && $0.contains("proven") })
    for entry in named.manifest.entries where entry.role.keyword == "slot" {
      let other = try #require(numbered.manifest.entry(named: entry.name))
      #expect(try numbered.sha256(of: other) == named.sha256(of: entry))
    }
  }

  @Test("tell the model which of their variables are trained, by names and by numbers alike")
  func variables() throws {
    for (file, names) in [
      (Self.wholeModel, ["factor", "count"]), (Self.archive, ["variable_0", "variable_1"]),
    ] {
      let model = try #require(try CheckpointReader(opening: Fixture.path(file)).manifest.model)
      let own = try model.variables(in: .keras3).filter { $0.id.layer == ["scale"] }
      #expect(own.map(\.name) == ["scale/#0", "scale/#1"])
      #expect(own.map(\.isTrainable) == [true, false])
      #expect(own.map(\.schema.storedName) == names)
    }
  }

  @Test(
    "go to every Keras and come back as they were", arguments: [wholeModel, archive], Profile.all)
  func conversions(file: String, profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let (there, back) = (folder.file("there"), folder.file("back"))
    let source = try CheckpointReader(opening: Fixture.path(file))
    let own = Profile(dialect: source.manifest.dialect, layout: source.manifest.layout)
    let losesOptimizer = profile.layout == .legacyWeights
    let losses = try source.convert(to: profile, writing: there, acceptingLoss: losesOptimizer)
    #expect(losses.isEmpty != losesOptimizer)
    #expect(source.conversionNotes(to: profile).count == (profile == own ? 0 : 1))
    let converted = try CheckpointReader(opening: there)
    #expect(!converted.manifest.entries.contains { $0.role == .untied })
    for entry in source.manifest.entries
    where entry.role.keyword == "weight" || entry.role.keyword == "slot" && !losesOptimizer {
      let other = try #require(converted.manifest.entry(named: entry.name))
      #expect(try converted.sha256(of: other) == source.sha256(of: entry))
    }
    guard !losesOptimizer else { return }
    try converted.convert(to: own, writing: back)
    let returned = try CheckpointReader(opening: back)
    #expect(returned.manifest.model?.text == source.manifest.model?.text)
    let custom = { (reader: borrowing CheckpointReader) in reader.manifest.model?.customLayers }
    #expect(custom(returned) == custom(source))
  }

  @Test("are spelled as each Keras does, with their own options as they were")
  func spelling() throws {
    let model = try #require(
      try CheckpointReader(opening: Fixture.path(Self.archive)).manifest.model)
    func layer(_ dialect: Dialect, _ container: ConfigurationContainer) throws -> JSONValue {
      let (configuration, losses) = model.translation(to: dialect, in: container)
      #expect(losses.isEmpty)
      return try #require(configuration.layers.first { $0.name == "scale" }).json
    }
    let options: JSONValue = [
      "name": "scale", "activity_regularizer": .null, "trainable": true, "dtype": "float32",
      "autocast": true,
    ]
    let bare: JSONValue = ["class_name": "matrix>Scale", "config": options]
    #expect(try layer(.keras2, .attribute) == bare)
    #expect(try layer(.keras2, .document) == bare)
    #expect(try layer(.tfKeras, .attribute) == bare)
    let document = try layer(.tfKeras, .document)
    #expect(document["class_name"] == "Scale")
    #expect(document["registered_name"] == "matrix>Scale")
    #expect(document["module"] == "keras_side.matrix_options")
    #expect(document["config"] == options)
    #expect(document["build_config"] == ["input_shape": [.null, 4]])
  }

  @Test(
    "have the slots that Keras's own objects say, in numbered files of every Keras",
    arguments: ["keras-2.12", "tf_keras-2.21", "keras-3.15"])
  func slotsOfEveryKeras(generation: String) throws {
    let truth = try JSONValue(
      parsing: String(
        contentsOfFile: Fixture.path("matrix/\(generation)/custom_layer.truth.json"),
        encoding: .utf8))
    let names = ["scale/factor": "scale/#0", "scale/count": "scale/#1"]
    let expected = truth["optimizer"]!["slots"]!.array!.map { slot in
      let owner = slot["variable"]!.string!
      return "\(slot["slot"]!.string!)/\(names[owner] ?? owner) \(slot["sha256"]!.string!)"
    }
    let reader = try CheckpointReader(
      opening: Fixture.path("matrix/\(generation)/custom_layer.keras"))
    var found: [String] = []
    for entry in reader.manifest.entries where entry.role.keyword == "slot" {
      found.append("\(entry.name) \(try reader.sha256(of: entry))")
    }
    #expect(found.sorted() == expected.sorted())
  }

  /// The fixture as weights whose architecture stands beside them, but not what is known of the layer.
  private func changed(
    in folder: borrowing TemporaryDirectory, _ change: (borrowing HDF5Group) throws -> Void
  ) throws -> CheckpointManifest {
    let path = folder.file("x.weights.h5")
    try CheckpointReader(opening: Fixture.path(Self.archive)).convert(
      to: Profile(dialect: .tfKeras, layout: .weights), writing: path)
    let file = try HDF5File.openForUpdate(path)
    do {
      let root = try file.root()
      try root.openGroup("cairn").attributes.remove("custom_layers")
      try change(root)
    }
    try file.close()
    return try CheckpointReader(opening: path, verifying: false).manifest
  }

  @Test("prove nothing where one of their variables may be another layer's, and that fits as well")
  func sharedVariables() throws {
    let folder = try TemporaryDirectory()
    let untied = try changed(in: folder) { root in
      // The second may be the trained one, if the first is the bias of another layer.
      let bias = try root.openDataset("layers/dense/vars/1")
      var numbers = [Float](repeating: 0, count: 4)
      try numbers.withUnsafeMutableBytes { try bias.read(into: $0) }
      let group = try root.openGroup("layers/scale/vars")
      for (name, values) in [("0", numbers), ("1", [9, 8, 7, 6])] {
        try group.remove(name)
        let dataset = try group.createDataset(name, .float32, shape: [4])
        try values.withUnsafeBytes { try dataset.write(from: $0) }
      }
    }
    #expect(untied.entries.filter { $0.role == .untied }.count == 5)
    #expect(untied.notes.contains { $0.contains("one variable of two layers") })
  }

  @Test("may have the numbers of another variable where no slot is left that it could share")
  func equalVariables() throws {
    let folder = try TemporaryDirectory()
    let tied = try changed(in: folder) { root in
      let bias = try root.openDataset("layers/dense/vars/1")
      var numbers = [Float](repeating: 0, count: 4)
      try numbers.withUnsafeMutableBytes { try bias.read(into: $0) }
      let factor = try root.openDataset("layers/scale/vars/0")
      try numbers.withUnsafeBytes { try factor.write(from: $0) }
    }
    #expect(!tied.entries.contains { $0.role == .untied })
  }

  @Test("with others inside them leave the slots untied, and a note says why")
  func innerObjects() throws {
    let folder = try TemporaryDirectory()
    let untied = try changed(in: folder) { root in
      let inner = try root.openGroup("layers/scale").createGroup("inner").createGroup("vars")
      _ = try inner.createDataset("0", .float32, shape: [])
    }
    #expect(untied.entries.filter { $0.role == .untied }.count == 5)
    #expect(untied.notes.contains { $0.contains("`scale/inner`") && $0.contains("code") })
  }

  @Test("may leave their names out of their options, as those that Keras describes by itself")
  func defaultNames() throws {
    let model = try ModelConfiguration(
      parsing: """
        {"module": "keras", "class_name": "Sequential", "config": {"name": "m", "layers": [
        {"module": null, "class_name": "Mine", "config": {}, "registered_name": "a>Mine"},
        {"module": null, "class_name": "Mine", "config": {}, "registered_name": "a>Mine"},
        {"module": "mine", "class_name": "Dense", "config": {"units": 3}}]}}
        """, dialect: .keras3)
    #expect(model.layers.map(\.name) == ["mine", "mine_1", "dense"])
    #expect(model.layers.map(\.isCustomClass) == [true, true, true])
  }
}
