import Checkpoints
import KerasConfiguration
import TestSupport
import Testing

@Suite("Files that Keras wrote") struct KerasFilesTests {
  @Test(
    "a whole-model file tells what Keras says of itself: names, order, bytes, owners",
    arguments: KerasFixture.all)
  func wholeModel(name: String) throws {
    let fixture = try KerasFixture(name)
    let reader = try CheckpointReader(opening: fixture.wholeModel)
    #expect(reader.manifest.layout == .wholeModel)
    try expectTruth(fixture, reader, inModelOrder: true)
    try expectSlots(fixture, reader)
    #expect(Float(reader.manifest.optimizer?.learningRate ?? 0) == Float(fixture.learningRate))
    #expect(reader.manifest.optimizer?.className == "Adagrad")
    #expect(reader.manifest.notes.allSatisfy { $0.hasPrefix("Keras 3 restores only the counter") })
    #expect(reader.manifest.notes.count == (reader.manifest.dialect == .keras3 ? 1 : 0))
  }

  @Test(
    "a weights file tells the same, slots proven by names of classes and shapes",
    arguments: KerasFixture.all)
  func weights(name: String) throws {
    let fixture = try KerasFixture(name)
    let reader = try CheckpointReader(opening: fixture.weights)
    #expect(reader.manifest.layout == .weights)
    if reader.manifest.dialect == .keras3 {
      try expectTruth(fixture, reader, inModelOrder: false)
      // Averages might be gradient accumulators as well: the file does not tell.
      try expectSlots(fixture, reader, except: "average/")
      #expect(
        reader.manifest.notes.contains { $0.contains("unproven") }
          == fixture.slots.contains { $0.name.hasPrefix("average/") })
      #expect(Float(reader.manifest.optimizer?.learningRate ?? 0) == Float(fixture.learningRate))
    } else {
      // Keras 2 stores no names of layers and no class of the optimizer: nothing may be guessed.
      #expect(!reader.manifest.entries.contains { $0.role.keyword == "slot" })
      #expect(reader.manifest.notes.contains { $0.contains("unproven") })
      #expect(throws: CheckpointError.self) { try reader.load() }
    }
    #expect(reader.manifest.optimizer?.iterations == Int64(fixture.iterations))
  }

  @Test(
    "both files of a Keras 3 model hold the same, as far as they tell",
    arguments: KerasFixture.models)
  func layoutsAgree(model: String) throws {
    let fixture = try KerasFixture("keras-3.15/\(model)")
    let diff = try CheckpointDiff(
      CheckpointReader(opening: fixture.wholeModel), CheckpointReader(opening: fixture.weights))
    // Alone, weights do not tell averages from gradient accumulators.
    let open = diff.items.filter { if case .equal = $0.outcome { false } else { true } }.map(\.name)
    #expect(open.allSatisfy { $0.hasPrefix("average/") || $0.hasPrefix("optimizer/vars/") })
    #expect(open.isEmpty == !fixture.slots.contains { $0.name.hasPrefix("average/") })
    #expect(diff.items.count > 4)
  }

  private func expectTruth(
    _ fixture: KerasFixture, _ reader: borrowing CheckpointReader, inModelOrder: Bool
  ) throws {
    var found: [(name: String, sha256: String)] = []
    for entry in reader.manifest.entries where entry.role.keyword == "weight" {
      found.append((entry.name, try reader.sha256(of: entry)))
    }
    if !inModelOrder { found.sort { $0.name < $1.name } }
    let expected =
      inModelOrder ? fixture.variables : fixture.variables.sorted { $0.name < $1.name }
    #expect(found.map(\.name) == expected.map(\.name))
    #expect(found.map(\.sha256) == expected.map(\.sha256))
  }

  private func expectSlots(
    _ fixture: KerasFixture, _ reader: borrowing CheckpointReader, except prefix: String? = nil
  ) throws {
    var found: [String: String] = [:]
    for entry in reader.manifest.entries where entry.role.keyword == "slot" {
      found[entry.name] = try reader.sha256(of: entry)
    }
    // Keras 3's whole-model files hold the slots although its own loader ignores them.
    let expected = fixture.slots.filter { slot in prefix.map { !slot.name.hasPrefix($0) } ?? true }
    #expect(found == Dictionary(uniqueKeysWithValues: expected.map { ($0.name, $0.sha256) }))
    #expect(reader.manifest.optimizer?.iterations == Int64(fixture.iterations))
  }
}
