import KerasConfiguration
import Optimizers
import Tensors
import Testing

/// One recording of an optimizer of Keras other than Adagrad: `Fixtures/README.md` describes the
/// format.
struct RuleTrace: CustomTestStringConvertible {
  let generation: String
  let name: String

  var testDescription: String { "\(generation) \(name)" }

  /// Every recording that ships.
  static let all: [RuleTrace] = ["keras-2.12", "keras-3.15"].flatMap { generation in
    StoredTrace.names(in: "\(generation)-optimizers").map {
      RuleTrace(generation: generation, name: $0)
    }
  }

  func load() throws -> RuleRecording {
    let stored = try StoredTrace(named: name, in: "\(generation)-optimizers")
    let recipe = stored.recipe
    let className = try #require(recipe["optimizer"]?.string)
    let configuration = try OptimizerEntry(
      json: ["class_name": .string(className), "config": stored.kerasConfiguration],
      dialect: generation == "keras-3.15" ? .keras3 : .keras2
    ).decoded()
    let variables = try #require(recipe["variables"]?.array)
    func tensors(_ folder: String) throws -> [Tensor] {
      try variables.indices.map { try stored.tensor(at: "\(folder)/\($0)") }
    }
    var slots: [String: [Tensor]] = [:]
    for slot in stored.members(of: "slots") {
      slots[Self.canonicalName(ofSlot: slot, className)] = try tensors("slots/\(slot)")
    }
    for slot in ["average", "gradient_accumulator"] where !stored.members(of: "\(slot)s").isEmpty {
      slots[slot] = try tensors("\(slot)s")
    }
    return RuleRecording(
      configuration: configuration, stepCount: try #require(recipe["steps"]?.int),
      events: (recipe["events"]?.array ?? []),
      exclusions: recipe["weightDecayExclusions"],
      names: variables.compactMap { $0["name"]?.string },
      initial: try tensors("initial"),
      gradients: try variables.indices.map { index in
        if variables[index]["gradientKind"]?.string == "rows" {
          .rows(
            indices: try stored.tensor(at: "gradients/\(index)/indices"),
            values: try stored.tensor(at: "gradients/\(index)/values"))
        } else {
          .dense(try stored.tensor(at: "gradients/\(index)"))
        }
      },
      variables: try tensors("variables"),
      slots: slots, rates: try stored.tensor(at: "rates").elements(of: Float.self),
      iterations: try stored.tensor(at: "iterations").elements(of: Int64.self),
      betaPowers: stored.tensor(ifAt: "beta_powers"))
  }

  /// The traces have the names that each generation's files have.
  private static func canonicalName(ofSlot stored: String, _ className: String) -> String {
    guard className != "RMSprop" else { return stored }
    return ["m": "momentum", "v": "velocity", "vhat": "velocity_hat"][stored] ?? stored
  }
}

/// The contents of a trace.
struct RuleRecording {
  let configuration: OptimizerConfiguration
  let stepCount: Int
  let events: [JSONValue]
  let exclusions: JSONValue?
  let names: [String]
  let initial: [Tensor]
  let gradients: [Gradients]
  /// Stacks, one entry per step, by variable.
  let variables: [Tensor]
  /// Stacks by canonical slot name, then by variable.
  let slots: [String: [Tensor]]
  let rates: [Float]
  /// The counter after each step.
  let iterations: [Int64]
  let betaPowers: Tensor?

  enum Gradients {
    case dense(Tensor)
    case rows(indices: Tensor, values: Tensor)
  }

  func gradient(of index: Int, at step: Int) -> Gradient {
    let shape = initial[index].shape
    switch gradients[index] {
    case .dense(let stack): return .dense(stack.entry(step, shape: shape))
    case .rows(let indices, let values):
      let count = indices.shape[1]
      let rows = indices.entry(step, shape: [count]).elements(of: Int64.self).map(Int.init)
      let rowShape = Shape([count] + shape.dimensions.dropFirst())
      return .rows(
        IndexedRows(indices: rows, values: values.entry(step, shape: rowShape), shape: shape))
    }
  }
}
