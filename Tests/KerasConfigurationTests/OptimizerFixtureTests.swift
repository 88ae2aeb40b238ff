import Foundation
import KerasConfiguration
import TestSupport
import Testing

@Suite("Optimizer configurations that Keras wrote") struct OptimizerFixtureTests {
  @Test(
    "read and written again, each is what Keras wrote, key by key and in order",
    arguments: [("keras-2.12", Dialect.keras2), ("keras-3.15", .keras3)])
  func texts(folder: String, dialect: Dialect) throws {
    let document = try JSONValue(
      parsing: String(
        contentsOfFile: Fixture.path("\(folder)/optimizer_configurations.json"), encoding: .utf8))
    let entries = try #require(document["entries"]?.array)
    #expect(entries.count > 50)
    for entry in entries {
      let name = try #require(entry["name"]?.string)
      for (key, container) in [("h5", ConfigurationContainer.attribute), ("keras", .document)] {
        guard let text = entry[key]?.string else { continue }
        let stored = OptimizerEntry(json: try JSONValue(parsing: text), dialect: dialect)
        let configuration = try stored.decoded()
        if configuration.arithmetic == .kerasLegacy, container == .document {
          // Keras 2 cannot load such an archive either.
          #expect(throws: ConfigurationError.self) {
            try configuration.json(for: dialect, in: container)
          }
          continue
        }
        var written = try configuration.json(for: dialect, in: container)
        if name == "no_name" { written = Self.withoutName(written) }
        #expect(
          Self.normalized(written) == Self.normalized(try JSONValue(parsing: text)),
          "\(folder) \(key) \(name)")
      }
    }
  }

  /// A null name stands for the default one, which is what is written.
  private static func withoutName(_ json: JSONValue) -> JSONValue {
    guard var object = json.object, var config = object["config"]?.object else { return json }
    config["name"] = .null
    object["config"] = .object(config)
    return .object(object)
  }

  /// Python keeps apart 1 and 1.0 for the same option; every number here is a double.
  private static func normalized(_ json: JSONValue) -> JSONValue {
    switch json {
    case .number(let number): JSONValue(number.double)
    case .array(let elements): .array(elements.map(normalized))
    case .object(let object):
      .object(JSONObject(object.pairs.map { ($0.key, normalized($0.value)) }))
    default: json
    }
  }
}
