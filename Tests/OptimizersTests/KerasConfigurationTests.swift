import Foundation
import KerasConfiguration
import Optimizers
import TestSupport
import Testing

@Suite("Optimizers write the configurations of real Keras")
struct KerasConfigurationTests {
  @Test(
    "key by key and in order, as get_config gave them", arguments: ["keras-2.12", "keras-3.15"])
  func configurations(_ generation: String) throws {
    let text = try String(
      contentsOfFile: Fixture.path("\(generation)/optimizer_configurations.json"), encoding: .utf8)
    let entries = try JSONValue(parsing: text)["entries"]?.array ?? []
    #expect(entries.count >= 50)
    let dialect: Dialect = generation == "keras-3.15" ? .keras3 : .keras2
    // Keras 2.12 keeps a name of null; Cairn writes the default name, which Keras reads as well.
    for entry in entries where !(entry["get_config"]?.string ?? "").contains("\"name\": null,") {
      let name = entry["name"]?.string ?? ""
      let recorded = try JSONValue(parsing: try #require(entry["get_config"]?.string))
      let fullName = entry["optimizer"]?.string ?? ""
      let className = fullName.split(separator: ".").last.map(String.init) ?? ""
      let read = OptimizerEntry(
        json: ["class_name": .string(className), "config": recorded], dialect: dialect)
      let optimizer = try Optimizer(
        configuration: read.decoded(), acceptsNegativeStart: true)
      let written = try optimizer.configuration().json(for: dialect, in: .attribute)["config"]
      expectEqual(written ?? .null, recorded, name)
    }
  }

  /// Equal as Python compares JSON: 1 is 1.0. The order of keys counts.
  private func expectEqual(_ written: JSONValue, _ recorded: JSONValue, _ name: String) {
    if let a = written.object, let b = recorded.object {
      #expect(a.pairs.map(\.key) == b.pairs.map(\.key), "\(name)")
      for (x, y) in zip(a.pairs, b.pairs) { expectEqual(x.value, y.value, "\(name), \(x.key)") }
    } else if let a = written.array, let b = recorded.array {
      #expect(a.count == b.count, "\(name)")
      for (x, y) in zip(a, b) { expectEqual(x, y, name) }
    } else if let a = written.double, let b = recorded.double {
      #expect(a == b || (a.isNaN && b.isNaN), "\(name)")
    } else {
      #expect(written == recorded, "\(name)")
    }
  }
}
