import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing
import Training

/// A dataset of floats or integers as a tensor.
func readTensor(_ group: borrowing HDF5Group, _ path: String) throws -> Tensor {
  let dataset = try group.openDataset(path)
  let dtype: DType = dataset.elementType == .int64 ? .int64 : .float32
  let type: HDF5ElementType = dtype == .int64 ? .int64 : .float32
  return try Tensor(shape: Shape(dataset.shape), dtype: dtype) { bytes in
    try dataset.read(into: bytes, as: type)
  }
}

/// `Fixtures/digits.h5`: x of shape (1797, 64), y of shape (1797).
func readDigits() throws -> Dataset {
  let file = try HDF5File.open(Fixture.path("digits.h5"))
  let root = try file.root()
  let digits = try Dataset(inputs: readTensor(root, "x"), labels: readTensor(root, "y"))
  return digits
}

/// A whole model that Keras saved: its architecture, and its weights in the model's order.
func readKerasModel(_ name: String) throws -> (model: Model, variables: [Variable]) {
  let file = try HDF5File.open(Fixture.path(name))
  let root = try file.root()
  let text = try root.attributes.string("model_config")
  let model = try Model(configuration: ModelConfiguration(parsing: text))
  let weights = try root.openGroup("model_weights")
  var variables = model.initialVariables(seed: 0)
  for layer in model.layers where !layer.variables.isEmpty {
    let group = try weights.openGroup(layer.configuration.name)
    let names = try group.attributes.strings("weight_names")
    try #require(names.count == layer.variables.count)
    for (index, name) in zip(layer.variables, names) {
      variables[index].value = try readTensor(group, name)
    }
  }
  return (model, variables)
}

/// The part of a `*.truth.json` that says what the model predicts.
struct PredictionTruth {
  let inputs: Tensor
  let outputs: [Double]

  init(_ name: String) throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixture.path(name)))
    let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let predictions = try #require(json["predictions"] as? [String: Any])
    let inputs = try #require(predictions["inputs"])
    let (values, shape) = Self.flattened(inputs)
    let floats = Tensor(values.map(Float.init), shape: Shape(shape))
    self.inputs =
      predictions["inputDtype"] as? String == "int32" ? floats.converted(to: .int32) : floats
    outputs = Self.flattened(try #require(predictions["outputs"])).values
  }

  private static func flattened(_ value: Any) -> (values: [Double], shape: [Int]) {
    guard let list = value as? [Any] else { return ([(value as? Double) ?? .nan], []) }
    let parts = list.map(flattened)
    return (parts.flatMap(\.values), [list.count] + (parts.first?.shape ?? []))
  }
}
