import KerasConfiguration
import Optimizers
import Testing

@testable import Tensors

/// One recording of Keras's optimizer: `Fixtures/README.md` describes the format.
struct Trace: CustomTestStringConvertible {
  let generation: String
  /// What stands in the file's name after the generation.
  let table: String
  let name: String

  var testDescription: String { "\(generation)\(table) \(name)" }

  /// Every recording of a table that ships, by these generations of Keras.
  static func all(
    _ table: String, of generations: [String] = ["keras-2.12", "keras-3.15"]
  ) -> [Trace] {
    generations.flatMap { generation in
      StoredTrace.names(in: generation + table).map {
        Trace(generation: generation, table: table, name: $0)
      }
    }
  }

  /// What was recorded.
  func load() throws -> Recording {
    let stored = try StoredTrace(named: name, in: generation + table)
    let recipe = stored.recipe
    let series = try (recipe["variables"]?.array ?? []).enumerated().map { index, entry in
      try loadSeries(stored, index, entry)
    }
    return Recording(
      optimizer: OptimizerEntry(
        json: ["class_name": recipe["optimizer"] ?? .null, "config": stored.kerasConfiguration],
        dialect: dialect),
      arguments: recipe["arguments"] ?? .null,
      stepCount: recipe["steps"]?.int ?? 0,
      events: try (recipe["events"]?.array ?? []).map(Recording.Event.init),
      excludedVariables: (recipe["weightDecayExclusions"]?["variables"]?.array ?? [])
        .compactMap(\.int),
      excludedPatterns: (recipe["weightDecayExclusions"]?["patterns"]?.array ?? [])
        .compactMap(\.string),
      series: series, rates: try stored.tensor(at: "rates").elements(of: Float.self),
      iterations: try stored.tensor(at: "iterations").elements(of: Int64.self))
  }

  private var dialect: Dialect {
    switch generation {
    case "keras-3.15": .keras3
    case "tf_keras-2.21": .tfKeras
    default: .keras2
    }
  }

  private func loadSeries(
    _ stored: StoredTrace, _ index: Int, _ entry: JSONValue
  ) throws -> Recording.Series {
    let isRows = entry["gradientKind"]?.string == "rows"
    var slots: [String: Tensor] = [:]
    for slot in ["accumulator", "average", "gradient_accumulator"] {
      slots[slot] = stored.tensor(ifAt: "\(slot)s/\(index)")
    }
    return try Recording.Series(
      name: entry["name"]?.string ?? "",
      initial: stored.tensor(at: "initial/\(index)"),
      gradients: stored.tensor(at: "gradients/\(index)" + (isRows ? "/values" : "")),
      rowIndices: isRows ? stored.tensor(at: "gradients/\(index)/indices") : nil,
      variables: stored.tensor(at: "variables/\(index)"), slots: slots,
      finalized: stored.tensor(ifAt: "finalized/\(index)"))
  }
}

/// The contents of a trace.
struct Recording {
  /// As Keras's `get_config` gave it after building.
  let optimizer: OptimizerEntry
  /// What Keras's constructor was given.
  let arguments: JSONValue
  let stepCount: Int
  let events: [Event]
  let excludedVariables: [Int]
  let excludedPatterns: [String]
  let series: [Series]
  /// The rate that each step used.
  let rates: [Float]
  /// The counter after each step.
  let iterations: [Int64]

  /// One variable: its start, and stacks of its gradient, value and slots, one entry per step.
  struct Series {
    let name: String
    let initial: Tensor
    /// Of every element, or of the rows at `rowIndices`.
    let gradients: Tensor
    let rowIndices: Tensor?
    let variables: Tensor
    let slots: [String: Tensor]
    let finalized: Tensor?

    func gradient(_ step: Int) -> Gradient {
      guard let rowIndices else {
        return .dense(gradients.entry(step, shape: initial.shape))
      }
      let count = rowIndices.shape[1]
      let indices = rowIndices.entry(step, shape: [count]).elements(of: Int64.self).map { Int($0) }
      let shape = Shape([count] + initial.shape.dimensions.dropFirst())
      return .rows(
        IndexedRows(
          indices: indices, values: gradients.entry(step, shape: shape), shape: initial.shape))
    }
  }

  /// What happens before a step.
  struct Event {
    let step: Int
    let iterations: Int64?
    let learningRate: Double?
    let schedule: ScheduleConfiguration?
    let attributes: JSONObject
    let absentGradients: [Int]

    init(_ json: JSONValue) throws {
      step = json["step"]?.int ?? 0
      iterations = json["iterations"]?.int.map(Int64.init)
      learningRate = json["learningRate"]?.double
      schedule = try json["schedule"].map { try ScheduleConfiguration(recorded: $0) }
      attributes = json["attributes"]?.object ?? JSONObject()
      absentGradients = (json["absentGradients"]?.array ?? []).compactMap(\.int)
    }
  }
}

extension ScheduleConfiguration {
  /// From the words of a recording: `{"schedule": "CosineDecay", "arguments": {...}}`.
  init(recorded json: JSONValue) throws {
    try self.init(
      json: [
        "class_name": json["schedule"] ?? .null, "config": json["arguments"] ?? .null,
      ])
  }
}

extension Tensor {
  /// The entry at `index` of a stack of tensors of `shape`.
  func entry(_ index: Int, shape: Shape) -> Tensor {
    let byteCount = shape.elementCount * dtype.byteCount
    return Tensor(shape: shape, dtype: dtype) { target in
      withUnsafeBytes {
        target.copyMemory(
          from: .init(rebasing: $0[(index * byteCount)..<((index + 1) * byteCount)]))
      }
    }
  }
}
