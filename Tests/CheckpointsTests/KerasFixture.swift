import Checkpoints
import Foundation
import KerasConfiguration
import TestSupport

/// Files that real Keras wrote, and what Keras said of itself before it wrote them.
struct KerasFixture: CustomStringConvertible {
  /// Such as `keras-2.12/mlp`.
  let name: String
  let truth: JSONValue

  static let generations = ["keras-2.12", "keras-3.15"]
  static let models = ["mlp", "mlp_ema", "embedding", "flatten"]
  static let all = generations.flatMap { generation in models.map { "\(generation)/\($0)" } }

  /// Small models of the rules beside Adagrad.
  static let rules = ["sgd", "sgd_nesterov", "rmsprop", "adam", "adamw"]
  static let allOfRules = generations.flatMap { generation in
    rules.map { "\(generation)/\($0)" }
  }

  init(_ name: String) throws {
    self.name = name
    truth = try JSONValue(
      parsing: String(contentsOfFile: Fixture.path("\(name).truth.json"), encoding: .utf8))
  }

  var description: String { name }
  /// The whole-model file.
  var wholeModel: String { Fixture.path("\(name).h5") }
  /// The weights file.
  var weights: String { Fixture.path("\(name).weights.h5") }

  /// Name and digest of each variable, in the model's order.
  var variables: [(name: String, sha256: String)] {
    truth["variables"]!.array!.map { ($0["name"]!.string!, $0["sha256"]!.string!) }
  }

  /// Canonical name and digest of each slot.
  var slots: [(name: String, sha256: String)] {
    let canonical = ["m": "momentum", "v": "velocity", "vhat": "velocity_hat"]
    return truth["optimizer"]!["slots"]!.array!.map {
      let slot = $0["slot"]!.string!
      return ("\(canonical[slot] ?? slot)/\($0["variable"]!.string!)", $0["sha256"]!.string!)
    }
  }

  var className: String { truth["optimizer"]!["className"]!.string! }

  var iterations: Int { truth["optimizer"]!["iterations"]!.int! }
  var learningRate: Double { truth["optimizer"]!["learningRate"]!.double! }
}
