import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import TestSupport
import Testing

@Suite("Weights whose names another file tells") struct BorrowedArchitectureTests {
  @Test(
    "two layouts of one state are the same, though one of them does not tell its names",
    arguments: KerasFixture.all)
  func same(name: String) throws {
    let fixture = try KerasFixture(name)
    for (a, b) in [(fixture.wholeModel, fixture.weights), (fixture.weights, fixture.wholeModel)] {
      let diff = try CheckpointDiff(opening: a, b)
      #expect(diff.isEmpty, "\(diff.items.filter { $0.outcome.keyword != "equal" }.map(\.name))")
      // Keras 3 stores names, and without averages or repeated shapes the order is proven, too.
      #expect(diff.notes.isEmpty == ["keras-3.15/mlp", "keras-3.15/flatten"].contains(name))
      // Only Keras 3 stores what its optimizer is called: in Keras 2 the class is a guess.
      #expect(
        diff.notes.contains { $0.contains("positional, unproven") } == name.hasPrefix("keras-2"))
    }
  }

  @Test("two files of different models are not explained by each other")
  func different() throws {
    let diff = try CheckpointDiff(
      opening: Fixture.path("keras-2.12/mlp.h5"), Fixture.path("keras-2.12/flatten.weights.h5"))
    #expect(diff.notes.isEmpty)
    #expect(!diff.isEmpty)
  }

  /// A copy of a weights file whose first slot holds a negative number.
  private func withNegativeSlot(_ path: String) throws {
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-2.12/mlp.weights.h5"), toPath: path)
    let file = try HDF5File.openForUpdate(path)
    do {
      let dataset = try file.root().openDataset("optimizer/vars/1")
      var numbers = [Float](repeating: 0.5, count: dataset.shape.reduce(1, *))
      numbers[3] = -0.25
      try numbers.withUnsafeBytes { try dataset.write(from: $0) }
    }
    try file.close()
  }

  @Test("slots are not taken for sums of squares when one of them is negative")
  func contradiction() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.h5")
    try withNegativeSlot(path)
    let other = try CheckpointReader(opening: Fixture.path("keras-2.12/mlp.h5"))
    let reader = try CheckpointReader(opening: path, architectureFrom: other)
    #expect(reader.manifest.entries.contains { $0.role == .untied })
    #expect(!reader.manifest.entries.contains { $0.role.keyword == "slot" })
    #expect(reader.manifest.entries.contains { $0.name == "dense/kernel" })
    #expect(
      reader.manifest.notes.contains {
        $0.contains("numbers show that it is not Adagrad") && $0.contains("-0.25")
      })
    let plan = RestorePlan(source: reader.manifest, target: other.manifest)
    #expect(!plan.report.isComplete)
  }

  @Test("an optimizer with a name of its own is known by that name")
  func ownName() throws {
    let folder = try TemporaryDirectory()
    let (a, b) = (folder.file("a.keras"), folder.file("b.weights.h5"))
    var checkpoint = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.h5")).load()
    checkpoint.optimizer?.configuration.name = "mine"
    try checkpoint.save(to: a, profile: Profile(dialect: .keras3, layout: .archive))
    try checkpoint.save(to: b, profile: Profile(dialect: .keras3, layout: .weights))
    let file = try HDF5File.openForUpdate(b)
    do { try file.root().remove("cairn") }
    try file.close()
    #expect(try CheckpointReader(opening: b).manifest.optimizer?.className == nil)
    #expect(try CheckpointDiff(opening: a, b).isEmpty)
  }

  @Test("identities of shared objects have no meaning")
  func sharedObjects() throws {
    let folder = try TemporaryDirectory()
    let (a, b) = (folder.file("a"), folder.file("b"))
    for path in [a, b] {
      try FileManager.default.copyItem(
        atPath: Fixture.path("keras-3.15/mlp_ema.directory"), toPath: path)
    }
    let text = try String(contentsOfFile: "\(a)/config.json", encoding: .utf8)
    let changed = text.replacing(/"shared_object_id": \d+/, with: "\"shared_object_id\": 1")
    #expect(changed != text)
    try changed.write(toFile: "\(b)/config.json", atomically: false, encoding: .utf8)
    #expect(try CheckpointDiff(opening: a, b).isEmpty)
  }
}
