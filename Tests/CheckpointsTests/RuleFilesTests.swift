import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Files of SGD, RMSprop, Adam and AdamW") struct RuleFilesTests {
  private func slots(_ reader: borrowing CheckpointReader) throws -> [String: String] {
    var found: [String: String] = [:]
    for entry in reader.manifest.entries where entry.role.keyword == "slot" {
      found[entry.name] = try reader.sha256(of: entry)
    }
    return found
  }

  private func truth(_ fixture: KerasFixture) -> [String: String] {
    Dictionary(uniqueKeysWithValues: fixture.slots.map { ($0.name, $0.sha256) })
  }

  @Test(
    "every slot of a whole-model file is tied to the variable that Keras says it belongs to",
    arguments: KerasFixture.allOfRules)
  func wholeModel(name: String) throws {
    let fixture = try KerasFixture(name)
    let reader = try CheckpointReader(opening: fixture.wholeModel)
    #expect(try slots(reader) == truth(fixture))
    #expect(!reader.manifest.notes.contains { $0.contains("unproven") })
    #expect(!reader.manifest.entries.contains { $0.role == .untied })
    #expect(reader.manifest.optimizer?.className == fixture.className)
    #expect(reader.manifest.optimizer?.iterations == Int64(fixture.iterations))
    #expect(try reader.load().optimizer?.slots.count == fixture.slots.count)
  }

  @Test(
    "a weights file of Keras 3 ties slots where class and count admit one order only",
    arguments: KerasFixture.rules)
  func weights(model: String) throws {
    let fixture = try KerasFixture("keras-3.15/\(model)")
    let reader = try CheckpointReader(opening: fixture.weights)
    #expect(reader.manifest.optimizer?.className == fixture.className)
    if ["sgd_nesterov", "rmsprop"].contains(model) {
      // One slot of SGD may be momentum or average; three of RMSprop may be any three of four.
      #expect(try slots(reader).isEmpty)
      #expect(reader.manifest.notes.contains { $0.contains("unproven") })
    } else {
      #expect(try slots(reader) == truth(fixture))
      #expect(reader.manifest.notes.isEmpty)
    }
  }

  @Test(
    "what Cairn writes stands in Keras's order under Keras's names", arguments: KerasFixture.rules)
  func orderOfSaving(model: String) throws {
    let folder = try TemporaryDirectory()
    let old = try KerasFixture("keras-2.12/\(model)")
    let path = folder.file("saved.h5")
    try CheckpointReader(opening: old.wholeModel).load()
      .save(to: path, profile: Profile(dialect: .keras2, layout: .wholeModel))
    func names(_ path: String) throws -> [String] {
      let file = try HDF5File.open(path)
      let group = try file.root().openGroup("optimizer_weights")
      return try group.attributes.strings("weight_names")
    }
    #expect(try names(path) == names(old.wholeModel))
    let entry = try CheckpointReader(opening: path).manifest.optimizer?.entry
    #expect(try entry?.json.text == CheckpointReader(opening: old.wholeModel).optimizerText)

    let new = try KerasFixture("keras-3.15/\(model)")
    let weights = folder.file("saved.weights.h5")
    try CheckpointReader(opening: new.wholeModel).load()
      .save(to: weights, profile: Profile(dialect: .keras3, layout: .weights))
    #expect(try optimizerDigests(weights) == optimizerDigests(new.weights))
  }

  /// SHA-256 of `optimizer/vars/0`, `1`, ...
  private func optimizerDigests(_ path: String) throws -> [String] {
    let reader = try CheckpointReader(opening: path)
    var digests: [Int: String] = [:]
    for entry in reader.manifest.entries where entry.datasetPath.contains("optimizer/vars/") {
      let number = entry.datasetPath.split(separator: "/").last.flatMap { Int($0) }
      digests[try #require(number)] = try reader.sha256(of: entry)
    }
    return digests.sorted { $0.key < $1.key }.map(\.value)
  }

  @Test(
    "a state crosses to the other generation's layout and back, bit for bit",
    arguments: KerasFixture.allOfRules)
  func crossing(name: String) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(opening: KerasFixture(name).wholeModel)
    let (there, back) = (folder.file("there.weights.h5"), folder.file("back.h5"))
    try original.load().save(to: there, profile: Profile(dialect: .keras3, layout: .weights))
    try CheckpointReader(opening: there).load()
      .save(to: back, profile: Profile(dialect: .keras2, layout: .wholeModel))
    let last = try CheckpointReader(opening: back)
    #expect(last.manifest.notes.isEmpty)
    let diff = try CheckpointDiff(original, last)
    // Keras 3 has no place for the velocity that Keras 2's SGD keeps without momentum.
    if name == "keras-2.12/sgd" || name == "keras-3.15/sgd" {
      #expect(
        diff.items.allSatisfy {
          $0.outcome.keyword == "equal" || $0.name.hasPrefix("momentum/")
        })
    } else {
      #expect(diff.isEmpty, "\(diff.configuration) \(diff.items.map(\.name))")
    }
  }

  @Test(
    "slots of the two generations pair by their names, and restore", arguments: ["adam", "adamw"])
  func restore(model: String) throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    let (source, target) = (
      try KerasFixture("keras-2.12/\(model)").wholeModel,
      try KerasFixture("keras-3.15/\(model)").wholeModel
    )
    let plan = try RestorePlan(
      source: CheckpointReader(opening: source).manifest,
      target: CheckpointReader(opening: target).manifest, only: nil)
    try CheckpointReader(opening: source).restore(
      plan, into: CheckpointReader(opening: target), writing: output)
    let restored = try CheckpointReader(opening: output)
    #expect(try slots(restored) == truth(KerasFixture("keras-2.12/\(model)")))
  }

  @Test("a state whose slots are not those of its configuration is refused before writing")
  func refusals() throws {
    let folder = try TemporaryDirectory()
    let whole = try CheckpointReader(opening: KerasFixture("keras-2.12/adam").wholeModel).load()
    var incomplete = whole
    incomplete.optimizer?.slots.removeLast()
    var surplus = whole
    surplus.optimizer?.configuration.rule = .sgd(momentum: 0.5)
    for checkpoint in [incomplete, surplus] {
      let error = try #require(throws: CheckpointError.self) {
        try checkpoint.save(
          to: folder.file("a.h5"), profile: Profile(dialect: .keras2, layout: .wholeModel))
      }
      #expect(error.kind == .inconsistent)
    }
    #expect(try folder.names() == [])
  }
}

extension CheckpointReader {
  fileprivate var optimizerText: String? { manifest.optimizer?.entry?.json.text }
}
