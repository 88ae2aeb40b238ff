extension LayerConfiguration {
  /// The shape of the layer's output for a batch of `input`; nil extents stay unknown. Throws where
  /// the layer cannot take such an input.
  public func outputShape(for input: [Int?]) throws(ConfigurationError) -> [Int?] {
    switch kind {
    case .input, .activation, .relu, .dropout:
      return input
    case .softmax(let axis):
      _ = try index(ofAxis: axis, in: input)
      return input
    case .batchNormalization(let options):
      let index = try index(ofAxis: options.axis, in: input)
      guard input[index] != nil else {
        throw wrongInput(input, "axis \(options.axis) of known extent")
      }
      return input
    case .dense(let options):
      guard input.count >= 2, input.last != .some(nil) else {
        throw wrongInput(input, "at least two axes, the last of known extent")
      }
      try checkSize([input.last.flatMap { $0 } ?? 0, options.units])
      return input.dropLast() + [options.units]
    case .flatten:
      guard let batch = input.first else { throw wrongInput(input, "a batch axis") }
      var count: Int? = 1
      for extent in input.dropFirst() {
        guard let product = count, let extent else {
          count = nil
          continue
        }
        let (result, overflow) = product.multipliedReportingOverflow(by: extent)
        guard !overflow else { throw wrongInput(input, "fewer than 2^63 elements") }
        count = result
      }
      return [batch, count]
    case .embedding(let options):
      if let length = options.inputLength, input.count == 2, let steps = input[1], steps != length {
        throw wrongInput(input, "\(length) steps (`input_length`)")
      }
      try checkSize([options.inputDimension, options.outputDimension])
      return input + [options.outputDimension]
    case .globalAveragePooling1D(let keepsDimensions):
      guard input.count == 3 else { throw wrongInput(input, "(batch, steps, features)") }
      return keepsDimensions ? [input[0], 1, input[2]] : [input[0], input[2]]
    }
  }

  private func index(ofAxis axis: Int, in shape: [Int?]) throws(ConfigurationError) -> Int {
    let index = axis < 0 ? axis + shape.count : axis
    guard shape.indices.contains(index) else { throw wrongInput(shape, "an axis \(axis)") }
    return index
  }

  /// A variable's bytes must fit into memory that can be addressed.
  private func checkSize(_ extents: [Int]) throws(ConfigurationError) {
    var count = 8
    for extent in extents {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else {
        throw .unexpectedValue(
          key: "shape", object: "layer `\(name)`",
          expected: "a variable of fewer than 2^60 elements", found: JSONValue(shape: extents))
      }
      count = product
    }
  }

  private func wrongInput(_ shape: [Int?], _ expected: String) -> ConfigurationError {
    .unexpectedValue(
      key: "input shape", object: "layer `\(name)`", expected: expected,
      found: JSONValue(shape: shape))
  }
}

extension JSONValue {
  /// `[null, 8, 8]`.
  init(shape: [Int?]) { self = .array(shape.map { JSONValue($0) }) }

  /// The shape; nil unless this is a list of integers (not negative) and nulls.
  var shape: [Int?]? {
    guard let array else { return nil }
    var shape: [Int?] = []
    for element in array {
      if element.isNull {
        shape.append(nil)
      } else if let extent = element.int, extent >= 0 {
        shape.append(extent)
      } else {
        return nil
      }
    }
    return shape
  }
}
