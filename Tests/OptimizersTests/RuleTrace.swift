import HDF5
import KerasConfiguration
import Optimizers
import TestSupport
import Testing

@testable import Tensors

/// One recording of an optimizer of Keras other than Adagrad: `Fixtures/README.md` describes the
/// format.
struct RuleTrace: CustomTestStringConvertible {
  let generation: String
  let name: String

  var testDescription: String { "\(generation) \(name)" }

  /// Every recording that ships; empty if the fixtures are missing.
  static let all: [RuleTrace] = ["keras-2.12", "keras-3.15"].flatMap { generation in
    do {
      let file = try HDF5File.open(path(generation))
      return try file.root().memberNames().map { RuleTrace(generation: generation, name: $0) }
    } catch {
      return []
    }
  }

  private static func path(_ generation: String) -> String {
    Fixture.path("traces/\(generation)-optimizers.h5")
  }

  func load() throws -> RuleRecording {
    let file = try HDF5File.open(Self.path(generation))
    let root = try file.root()
    let group = try root.openGroup(name)
    let recipe = try JSONValue(parsing: group.attributes.string("configuration"))
    let keras = try JSONValue(parsing: group.attributes.string("keras_configuration"))
    let className = try #require(recipe["optimizer"]?.string)
    let configuration = try OptimizerEntry(
      json: ["class_name": .string(className), "config": keras],
      dialect: generation == "keras-3.15" ? .keras3 : .keras2
    ).decoded()
    let variables = try #require(recipe["variables"]?.array)
    var slots: [String: [Tensor]] = [:]
    if try group.exists("slots") {
      for stored in try group.openGroup("slots").memberNames() {
        let slot = Self.canonicalName(ofSlot: stored, className)
        slots[slot] = try variables.indices.map {
          try Self.tensor(group, "slots/\(stored)/\($0)")
        }
      }
    }
    let averages = try group.exists("averages")
    if averages {
      slots["average"] = try variables.indices.map { try Self.tensor(group, "averages/\($0)") }
    }
    if try group.exists("gradient_accumulators") {
      slots["gradient_accumulator"] = try variables.indices.map {
        try Self.tensor(group, "gradient_accumulators/\($0)")
      }
    }
    return RuleRecording(
      configuration: configuration, stepCount: try #require(recipe["steps"]?.int),
      events: (recipe["events"]?.array ?? []),
      exclusions: recipe["weightDecayExclusions"],
      names: variables.compactMap { $0["name"]?.string },
      initial: try variables.indices.map { try Self.tensor(group, "initial/\($0)") },
      gradients: try variables.indices.map { index in
        if variables[index]["gradientKind"]?.string == "rows" {
          .rows(
            indices: try Self.tensor(group, "gradients/\(index)/indices"),
            values: try Self.tensor(group, "gradients/\(index)/values"))
        } else {
          .dense(try Self.tensor(group, "gradients/\(index)"))
        }
      },
      variables: try variables.indices.map { try Self.tensor(group, "variables/\($0)") },
      slots: slots, rates: try Self.tensor(group, "rates").elements(of: Float.self),
      iterations: try Self.tensor(group, "iterations").elements(of: Int64.self),
      betaPowers: try group.exists("beta_powers") ? Self.tensor(group, "beta_powers") : nil)
  }

  /// The traces have the names that each generation's files have.
  private static func canonicalName(ofSlot stored: String, _ className: String) -> String {
    guard className != "RMSprop" else { return stored }
    return ["m": "momentum", "v": "velocity", "vhat": "velocity_hat"][stored] ?? stored
  }

  private static func tensor(_ group: borrowing HDF5Group, _ path: String) throws -> Tensor {
    let dataset = try group.openDataset(path)
    let dtype: DType =
      switch dataset.elementType {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      case .float64: .float64
      default: .int64
      }
    var tensor = Tensor(zeros: Shape(dataset.shape), dtype: dtype)
    try tensor.withUnsafeMutableBytes { try dataset.read(into: $0) }
    return tensor
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
