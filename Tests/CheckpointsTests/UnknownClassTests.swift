import Checkpoints
import Foundation
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
  func names() throws {
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
}
