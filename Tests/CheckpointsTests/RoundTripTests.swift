import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Saving and loading") struct RoundTripTests {
  static let profiles = [
    Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras3, layout: .weights),
    Profile(dialect: .keras3, layout: .wholeModel), Profile(dialect: .keras2, layout: .weights),
    Profile(dialect: .tfKeras, layout: .weights), Profile(dialect: .keras2, layout: .archive),
    Profile(dialect: .keras3, layout: .archive), Profile(dialect: .tfKeras, layout: .wholeModel),
    Profile(dialect: .tfKeras, layout: .archive),
  ]

  @Test(
    "what is saved is what is loaded, in every layout, from every model of Keras",
    arguments: KerasFixture.all, profiles)
  func roundTrip(name: String, profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("saved\(profile.layout.fileSuffix)")
    let fixture = try KerasFixture(name)
    let original = try CheckpointReader(opening: fixture.wholeModel)
    var checkpoint = try original.load()
    checkpoint.resumption = ResumptionRecord(
      json: ["epoch": 3, "list": [1, 2.5]],
      arrays: [("history", Tensor([1.0, .nan, 3])), ("steps", Tensor([Int64(7)]))])
    try checkpoint.save(to: path, profile: profile)

    let reader = try CheckpointReader(opening: path)
    #expect(reader.manifest.layout == profile.layout)
    #expect(reader.manifest.dialect == profile.dialect)
    // What remains is Keras 3's own loader, which ignores slots in its whole-model files.
    #expect(reader.manifest.notes.allSatisfy { $0.hasPrefix("Keras 3 restores only the counter") })
    let diff = try CheckpointDiff(original, reader)
    #expect(diff.isEmpty, "\(diff.configuration) \(diff.items.map(\.name))")
    let loaded = try reader.load()
    #expect(loaded.variables.map(\.id) == checkpoint.variables.map(\.id))
    #expect(
      zip(loaded.variables, checkpoint.variables).allSatisfy {
        $0.name == $1.name && $0.value.isIdentical(to: $1.value)
      })
    let a = try #require(loaded.optimizer)
    let b = try #require(checkpoint.optimizer)
    #expect(a.configuration == b.configuration)
    #expect(a.iterations == b.iterations)
    #expect(a.slots.map(\.slot) == b.slots.map(\.slot))
    #expect(a.slots.map(\.owner) == b.slots.map(\.owner))
    #expect(zip(a.slots, b.slots).allSatisfy { $0.value.isIdentical(to: $1.value) })
    #expect(loaded.resumption?.json == checkpoint.resumption?.json)
    let arrays = try #require(loaded.resumption?.arrays)
    #expect(arrays.map(\.name) == ["history", "steps"])
    #expect(arrays[0].value.isIdentical(to: Tensor([1.0, .nan, 3])))
  }

  @Test("two saves of the same checkpoint are equal byte for byte", arguments: profiles)
  func reproducible(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp_ema").wholeModel
    ).load()
    for name in ["a.h5", "b.h5"] { try checkpoint.save(to: folder.file(name), profile: profile) }
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: folder.file("a.h5")))
        == Data(contentsOf: URL(fileURLWithPath: folder.file("b.h5"))))
  }

  @Test("a save leaves no other file behind, and no open HDF5 object", arguments: profiles)
  func cleanliness(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-3.15/mlp").wholeModel
    ).load()
    try checkpoint.save(to: folder.file("a.h5"), profile: profile)
    #expect(try folder.names() == ["a.h5"])
  }

  @Test("an existing file is replaced only when that is asked for, and stays whole otherwise")
  func replacing() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("a.h5")
    let profile = Self.profiles[0]
    var checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/flatten").wholeModel
    ).load()
    try checkpoint.save(to: path, profile: profile)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    checkpoint.optimizer?.iterations = 99
    let error = try #require(throws: CheckpointError.self) {
      try checkpoint.save(to: path, profile: profile)
    }
    #expect(error.kind == .outputExists)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    try checkpoint.save(to: path, profile: profile, replacing: true)
    #expect(try CheckpointReader(opening: path).manifest.optimizer?.iterations == 99)
    #expect(try folder.names() == ["a.h5"])
  }

  @Test("a save into a folder that is missing fails with one line and creates nothing")
  func missingFolder() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/flatten").wholeModel
    ).load()
    let error = try #require(throws: CheckpointError.self) {
      try checkpoint.save(to: folder.file("no/a.h5"), profile: Self.profiles[0])
    }
    #expect(error.kind == .unwritable)
    #expect(!"\(error)".contains("\n"))
    #expect(try folder.names() == [])
  }

  @Test("a checkpoint without a slot's owner, or without architecture, is refused before writing")
  func refusals() throws {
    let folder = try TemporaryDirectory()
    let whole = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp").wholeModel
    ).load()
    var orphaned = whole
    orphaned.optimizer?.slots.append(
      SlotVariable(
        slot: "accumulator", owner: VariableID(layer: ["x"], index: 0), value: Tensor([1.0])))
    var nameless = whole
    nameless.model = nil
    var incomplete = whole
    incomplete.variables.removeLast()
    for (checkpoint, kind) in [
      (orphaned, CheckpointError.Kind.inconsistent), (nameless, .unsupported),
      (incomplete, .inconsistent),
    ] {
      let error = try #require(throws: CheckpointError.self) {
        try checkpoint.save(to: folder.file("a.h5"), profile: Self.profiles[0])
      }
      #expect(error.kind == kind)
    }
    #expect(try folder.names() == [])
  }
}
