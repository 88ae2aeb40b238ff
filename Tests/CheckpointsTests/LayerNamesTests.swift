import Checkpoints
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

/// Layers may have any name, also those of the groups that the layouts are known by.
@Suite("Layers that are called as parts of a file are") struct LayerNamesTests {
  private static let names = [
    "layers", "vars", "optimizer", "_layer_checkpoint_dependencies", "model_weights",
    "optimizer_weights", "cairn", "layer_names", "metrics", "0",
  ]

  private func checkpoint(_ names: [String], _ dialect: Dialect) throws -> Checkpoint {
    var layers = [LayerConfiguration(name: "input", .input(.init(batchShape: [nil, 1])))]
    for name in names { layers.append(LayerConfiguration(name: name, .dense(.init(units: 1)))) }
    let model = try ModelConfiguration(sequential: "model", layers: layers, dialect: dialect)
    let variables = try model.variables(in: dialect).enumerated().map { index, variable in
      Variable(
        id: variable.id, name: variable.name,
        value: Tensor([Float(index)], shape: index.isMultiple(of: 2) ? [1, 1] : [1]))
    }
    return Checkpoint(model: model, variables: variables)
  }

  @Test("and come back from every layout under their names", arguments: Profile.all)
  func everyLayout(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    for name in Self.names where profile.dialect == .keras3 || !name.hasPrefix("_") {
      let path = folder.file("\(name)\(profile.layout.fileSuffix)")
      let checkpoint = try checkpoint([name, "other"], profile.dialect)
      try checkpoint.save(to: path, profile: profile)
      let manifest = try CheckpointReader(opening: path).manifest
      #expect(manifest.layout == profile.layout, "\(name)")
      #expect(
        manifest.entries.filter { $0.role.keyword == "weight" }.map(\.name)
          == [name, "other"].flatMap { ["\($0)/kernel", "\($0)/bias"] }, "\(name)")
    }
  }

  @Test("are refused where the layout has a group of that name, and where two are told by one name")
  func collisions() throws {
    let folder = try TemporaryDirectory()
    for (profile, names, words) in [
      ("keras2-h5", ["top_level_model_weights"], "rename the layer"),
      ("keras2-weights-h5", ["top_level_model_weights"], "rename the layer"),
      ("keras3-h5", ["top_level_model_weights"], "rename the layer"),
      ("keras2-h5", ["a", "a/a/bias:0"], "rename a layer"),
    ] {
      let profile = try #require(Profile(name: profile))
      let path = folder.file("\(names.count)\(profile.name).h5")
      let error = #expect(throws: CheckpointError.self) {
        try checkpoint(names, profile.dialect).save(to: path, profile: profile)
      }
      #expect(error?.kind == .unsupported)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  @Test("as in a file of Keras, where Cairn's own group is that of a layer and nothing else")
  func layerInPlaceOfTheRecord() throws {
    let folder = try TemporaryDirectory()
    let profile = try #require(Profile(name: "keras2-weights-h5"))
    let path = folder.file("weights.h5")
    try checkpoint(["cairn", "other"], .keras2).save(to: path, profile: profile, digests: nil)
    do {
      let file = try HDF5File.openForUpdate(path)
      let group = try file.root().openGroup("cairn")
      for name in try group.attributes.names() where name != "weight_names" {
        try group.attributes.remove(name)
      }
    }
    let reader = try CheckpointReader(opening: path)
    #expect(reader.manifest.entries.map(\.name).contains("cairn/kernel"))
    #expect(try reader.load().variables.count == 4)
  }

  @Test(
    "are refused where Unicode alone tells two apart, since one would be taken for the other",
    arguments: [["dense", "dense_1"], ["embedding", "dense"]])
  func composition(groups: [String]) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("weights.weights.h5")
    let profile = Profile(dialect: .keras3, layout: .weights)
    let checkpoint =
      groups[0] == "dense" ? try checkpoint(["first", "second"], .keras3) : try embedding()
    try checkpoint.save(to: path, profile: profile, digests: nil)
    do {
      let file = try HDF5File.openForUpdate(path)
      try file.root().remove("cairn")
      for (group, name) in zip(groups, ["\u{E9}", "e\u{301}"]) {
        let group = try file.root().openGroup("layers/\(group)/vars")
        try group.attributes.remove("name")
        try group.attributes.setString(name, for: "name")
      }
    }
    let error = #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
    #expect(error?.kind == .unsupported)
    let description = error?.description ?? ""
    for scalars in [#"\u{00E9}"#, #"e\u{0301}"#] {
      #expect(description.contains(scalars), "\(description)")
    }
  }

  /// Two layers whose variables have other names.
  private func embedding() throws -> Checkpoint {
    let model = try ModelConfiguration(
      sequential: "model",
      layers: [
        LayerConfiguration(name: "input", .input(.init(batchShape: [nil, 1]))),
        LayerConfiguration(name: "first", .embedding(.init(inputDimension: 1, outputDimension: 1))),
        LayerConfiguration(name: "second", .dense(.init(units: 1, usesBias: false))),
      ], dialect: .keras3)
    let variables = try model.variables(in: .keras3).map { variable in
      Variable(id: variable.id, name: variable.name, value: Tensor([1 as Float], shape: [1, 1]))
    }
    return Checkpoint(model: model, variables: variables)
  }
}
