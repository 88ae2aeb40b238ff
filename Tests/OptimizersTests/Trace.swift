import Foundation
import HDF5
import KerasConfiguration
import TestSupport
import Testing

@testable import Tensors

/// One recording of Keras's optimizer: `Fixtures/README.md` describes the format.
struct Trace: CustomTestStringConvertible {
  let generation: String
  let name: String

  var testDescription: String { "\(generation) \(name)" }

  /// Every recording that ships; empty if the fixtures are missing.
  static let all: [Trace] = ["keras-2.12", "keras-3.15"].flatMap { generation in
    do {
      let file = try HDF5File.open(path(generation))
      let root = try file.root()
      return try root.memberNames().map { Trace(generation: generation, name: $0) }
    } catch {
      return []
    }
  }

  private static func path(_ generation: String) -> String {
    Fixture.path("traces/\(generation).h5")
  }

  /// What was recorded.
  func load() throws -> Recording {
    let file = try HDF5File.open(Self.path(generation))
    let root = try file.root()
    let group = try root.openGroup(name)
    let recipe = try JSONValue(parsing: group.attributes.string("configuration"))
    let keras = try JSONValue(parsing: group.attributes.string("keras_configuration"))
    let hasAverages = try group.exists("averages")
    let variables = try (recipe["variables"]?.array ?? []).enumerated().map { index, entry in
      try Recording.Series(
        name: entry["name"]?.string ?? "",
        initial: tensor(group, "initial/\(index)"),
        gradients: tensor(group, "gradients/\(index)"),
        variables: tensor(group, "variables/\(index)"),
        accumulators: tensor(group, "accumulators/\(index)"),
        averages: hasAverages ? tensor(group, "averages/\(index)") : nil,
        finalized: hasAverages ? tensor(group, "finalized/\(index)") : nil)
    }
    return Recording(
      configuration: try OptimizerEntry(
        json: ["class_name": "Adagrad", "config": keras],
        dialect: generation == "keras-3.15" ? .keras3 : .keras2
      ).decoded(),
      initialLearningRate: recipe["arguments"]?["learning_rate"]?.double ?? 0.001,
      stepCount: recipe["steps"]?.int ?? 0,
      events: (recipe["events"]?.array ?? []).map(Recording.Event.init),
      series: variables,
      iterations: try tensor(group, "iterations").elements(of: Int64.self))
  }

  private func tensor(_ group: borrowing HDF5Group, _ path: String) throws -> Tensor {
    let dataset = try group.openDataset(path)
    let dtype: DType =
      switch dataset.elementType {
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .float32: .float32
      case .float64: .float64
      case .int64: .int64
      default: throw CocoaError(.fileReadCorruptFile)
      }
    var tensor = Tensor(zeros: Shape(dataset.shape), dtype: dtype)
    try tensor.withUnsafeMutableBytes { try dataset.read(into: $0) }
    return tensor
  }
}

/// The contents of a trace.
struct Recording {
  let configuration: OptimizerConfiguration
  let initialLearningRate: Double
  let stepCount: Int
  let events: [Event]
  let series: [Series]
  /// The counter after each step.
  let iterations: [Int64]

  /// One variable: its start, and stacks of its gradient, value and slots, one entry per step.
  struct Series {
    let name: String
    let initial: Tensor
    let gradients: Tensor
    let variables: Tensor
    let accumulators: Tensor
    let averages: Tensor?
    let finalized: Tensor?
  }

  /// What happens before a step.
  struct Event {
    let step: Int
    let iterations: Int64?
    let learningRate: Double?
    let absentGradients: [Int]

    init(_ json: JSONValue) {
      step = json["step"]?.int ?? 0
      iterations = json["iterations"]?.int.map(Int64.init)
      learningRate = json["learningRate"]?.double
      absentGradients = (json["absentGradients"]?.array ?? []).compactMap(\.int)
    }
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
