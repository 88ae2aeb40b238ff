internal import KerasConfiguration
public import Tensors

extension Model {
  /// Checks that `inputs` are batches that this model can be run on: their shape, at least one row, and
  /// the ids of an Embedding that comes first.
  ///
  /// Throws ``TrainingError/shapeMismatch(_:expected:found:)``, ``TrainingError/noData(_:)`` or
  /// ``TrainingError/idOutOfRange(layer:row:value:rowCount:)``.
  public func checkInputs(_ inputs: Tensor) throws(TrainingError) {
    try checkShape(ofInputs: inputs)
    guard inputs.elementCount > 0 else {
      throw .noData("in inputs of shape \(inputs.shape)")
    }
    for call in calls where call.input == 0 {
      if let embedding = layers[call.layer].operation as? EmbeddingOperation {
        try embedding.rows(of: inputs)
      }
    }
  }

  func checkShape(ofInputs inputs: Tensor) throws(TrainingError) {
    let found = inputs.shape.dimensions
    let fits =
      found.count == inputShape.count
      && zip(found, inputShape).allSatisfy { $1 == nil || $0 == $1 }
    guard fits else {
      throw .shapeMismatch(
        "inputs of model \"\(name)\"", expected: Self.text(inputShape), found: inputs.shape)
    }
  }

  /// The shape of one row of the outputs for inputs of this shape.
  func outputRowShape(forInputs shape: Shape) throws(TrainingError) -> Shape {
    var extents: [Int?] = shape.dimensions
    for call in calls {
      do throws(ConfigurationError) {
        extents = try layers[call.layer].configuration.outputShape(for: extents)
      } catch {
        throw .configuration(error)
      }
    }
    return Shape(extents.dropFirst().map { $0 ?? 0 })
  }

  /// Checks that `variables` are this model's, in its order.
  ///
  /// Throws ``TrainingError/stateMismatch(_:)``, which names the first that is not.
  public func check(_ variables: [Variable]) throws(TrainingError) {
    guard variables.count == self.variables.count else {
      throw .stateMismatch(
        "it has \(variables.count) variables, the model \"\(name)\" has \(self.variables.count)")
    }
    for (found, expected) in zip(variables, self.variables) {
      guard found.id == expected.id else {
        throw .stateMismatch("it has \(found.name) where the model has \(expected.name)")
      }
      guard found.value.shape == expected.shape, found.value.dtype == expected.dtype else {
        throw .stateMismatch(
          "\(expected.name) should be \(expected.dtype) of shape \(expected.shape), but is "
            + "\(found.value.dtype) of shape \(found.value.shape)")
      }
    }
  }

  /// `(None, 8, 8)`.
  private static func text(_ shape: [Int?]) -> String {
    "(\(shape.map { $0.map(String.init) ?? "None" }.joined(separator: ", ")))"
  }
}

func requirePositive(_ value: Int, _ name: String) throws(TrainingError) {
  guard value >= 1 else {
    throw .invalidOption(name: name, reason: "\(value) is not at least 1")
  }
}
