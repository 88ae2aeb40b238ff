public import KerasConfiguration
public import Tensors

extension LossConfiguration {
  /// Checks that every label can be trained against outputs of shape `(batch,) + rowShape`.
  ///
  /// Sparse labels have the output's shape without its last axis (or with 1 there) and are whole
  /// numbers in 0..<classes; others have the output's shape, where a last axis of 1 may be missing;
  /// those of the binary cross-entropy lie in 0...1.
  ///
  /// Throws ``TrainingError/shapeMismatch(_:expected:found:)`` or ``TrainingError/labelOutOfRange(row:value:expected:)``, which
  /// names the first bad row.
  public func checkLabels(_ labels: Tensor, rowShape: Shape) throws(TrainingError) {
    guard labels.shape.rank >= 1, let classes = rowShape.dimensions.last else {
      throw .shapeMismatch(
        "labels", expected: "(rows, ...) for outputs of shape (rows,) + \(rowShape)",
        found: labels.shape)
    }
    let found = labels.shape.row.dimensions
    let whole = rowShape.dimensions
    let short = Array(whole.dropLast())
    switch function {
    case .sparseCategoricalCrossentropy:
      guard found == short || found == short + [1] else {
        throw .shapeMismatch("labels", expected: "\(Shape(short)) a row", found: labels.shape)
      }
      try checkValues(labels, expected: "a whole number in 0..<\(classes)") {
        0..<Double(classes) ~= $0 && $0 == $0.rounded()
      }
    case .binaryCrossentropy, .categoricalCrossentropy, .meanSquaredError:
      guard found == whole || (classes == 1 && found == short) else {
        throw .shapeMismatch("labels", expected: "\(rowShape) a row", found: labels.shape)
      }
      if function == .binaryCrossentropy {
        try checkValues(labels, expected: "in 0...1") { 0...1 ~= $0 }
      }
    }
  }

  private func checkValues(
    _ labels: Tensor, expected: String, _ isValid: (Double) -> Bool
  ) throws(TrainingError) {
    let found = labels.firstElement { !isValid($0) }
    guard let found else { return }
    throw .labelOutOfRange(
      row: found.index / max(1, labels.shape.row.elementCount), value: found.value,
      expected: expected)
  }
}

extension Tensor {
  /// The first element, in row-major order, of which `predicate` is true.
  func firstElement(where predicate: (Double) -> Bool) -> (index: Int, value: Double)? {
    func search<Element: TensorElement>(_: Element.Type) -> (index: Int, value: Double)? {
      withElements(of: Element.self) { elements in
        for index in elements.indices {
          let value = elements[index].number.double
          if predicate(value) { return (index, value) }
        }
        return nil
      }
    }
    return dtype.withElementType { search($0) }
  }

  /// The elements as integers, cut toward zero as a cast does. The usual dtypes have loops of their
  /// own; the others go through generic code, some fifty times slower.
  func integers() -> [Int] {
    switch dtype {
    case .int64: withElements(of: Int64.self) { $0.map { Int($0) } }
    case .int32: withElements(of: Int32.self) { $0.map { Int($0) } }
    case .uint8: withElements(of: UInt8.self) { $0.map { Int($0) } }
    default: converted(to: .int64).elements(of: Int64.self).map { Int($0) }
    }
  }
}
