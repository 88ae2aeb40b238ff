import Foundation
import KerasConfiguration
import Optimizers
import TestSupport
import Testing

@Suite("Arguments that Keras takes or refuses") struct RefusalTests {
  @Test(
    "what a Keras refuses is refused, and what it takes is taken unless it is of no sensible type",
    arguments: [("keras-2.12", Dialect.keras2), ("keras-3.15", .keras3)])
  func refusals(folder: String, dialect: Dialect) throws {
    let document = try JSONValue(
      parsing: String(
        contentsOfFile: Fixture.path("\(folder)/optimizer_refusals.json"), encoding: .utf8))
    let entries = try #require(document["entries"]?.array)
    var compared = 0
    for entry in entries {
      let arguments = try #require(entry["arguments"]?.object)
      guard !arguments.pairs.contains(where: Self.isBeyondJSON) else { continue }
      let outcome = try makeOptimizer(entry, arguments, among: entries, dialect)
      let isRefusedByKeras = entry["error"] != nil
      compared += 1
      #expect(
        (outcome != nil) == isRefusedByKeras || (outcome != nil && Self.isStricter(arguments)),
        "\(folder) \(JSONValue.object(arguments).text): Keras \(entry["error"]?.text ?? "takes it"), Cairn \(outcome ?? "takes it")"
      )
      if let outcome, arguments.keys.count == 1 {
        #expect(outcome.contains(arguments.keys[0]) || isRefusedByKeras, "\(outcome)")
      }
    }
    #expect(compared > 90)
  }

  /// Why no optimizer can be made of Keras's default configuration with `arguments`; nil when one can.
  private func makeOptimizer(
    _ entry: JSONValue, _ arguments: JSONObject, among entries: [JSONValue], _ dialect: Dialect
  ) throws -> String? {
    let className = try #require(entry["optimizer"]?.string)
    let template = entries.first {
      $0["optimizer"]?.string == className && $0["get_config"] != nil
    }
    let text = try #require(template?["get_config"]?.string)
    let defaults = try JSONValue(parsing: text)
    var configuration = try #require(defaults.object)
    for pair in arguments.pairs { configuration[pair.key] = pair.value }
    let stored = OptimizerEntry(
      json: ["class_name": .string(className), "config": .object(configuration)], dialect: dialect)
    do {
      _ = try Optimizer(configuration: stored.decoded())
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Python tells 1 from 1.0, NumPy's numbers from its own, and a schedule from what it is written as; a
  /// configuration does not. A true `is_legacy_optimizer` makes Keras's loader take another class.
  private static func isBeyondJSON(_ pair: JSONObject.Pair) -> Bool {
    pair.value.object != nil || pair.value.array != nil
      || (["learning_rate", "momentum"].contains(pair.key) && pair.value.number?.isInteger == true)
      || (pair.key == "is_legacy_optimizer" && pair.value == .bool(true))
  }

  /// A value that is no number where one belongs, and so on; a negative start; NaN as a momentum. Keras
  /// takes them and fails later, or computes nonsense.
  private static func isStricter(_ arguments: JSONObject) -> Bool {
    arguments.pairs.contains { pair in
      switch pair.key {
      case "use_ema", "jit_compile": pair.value.bool == nil
      case "name": pair.value.string == nil
      case "ema_overwrite_frequency", "gradient_accumulation_steps":
        pair.value.number?.isInteger != true
      case "initial_accumulator_value": !(pair.value.double.map { $0 >= 0 } ?? false)
      default: pair.value.double.map(\.isNaN) ?? true
      }
    }
  }
}
