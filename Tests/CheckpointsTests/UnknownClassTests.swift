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
}
