/// The shapes that layers make of shapes: what Keras 3 writes into a graph and Keras 2 leaves out.
///
/// An unknown effect gives an unknown shape, never a guess.
enum ShapeInference {
  typealias Shape = [Int?]

  /// The outputs of one call of a layer, as many as can be told; at least one.
  static func outputs(
    ofClass className: String, _ options: JSONObject, inputs: [TensorSignature], dialect: Dialect
  ) -> [TensorSignature] {
    let dtype = computeDtype(options)
    if className == "InputLayer" {
      let shape = (options["batch_shape"] ?? options["batch_input_shape"])?.shape
      return [TensorSignature(shape: shape, dtype: options["dtype"]?.string ?? "float32")]
    }
    let shapes = inputs.map(\.shape)
    let known = shapes.compactMap { $0 }
    guard known.count == shapes.count, let first = known.first else {
      return [TensorSignature(dtype: dtype)]
    }
    let layer = Layer(className: className, options: options)
    if let states = layer.states(first) {
      let output = layer.recurrent(first)
      return [TensorSignature(shape: output, dtype: dtype)]
        + states.map { TensorSignature(shape: $0, dtype: dtype) }
    }
    return [TensorSignature(shape: layer.output(known), dtype: dtype)]
  }

  /// What a layer computes in, by its policy.
  private static func computeDtype(_ options: JSONObject) -> String {
    let dtype = options["dtype"]
    let name = dtype?.string ?? dtype?["config"]?["name"]?.string ?? "float32"
    return name.hasPrefix("mixed_") ? String(name.dropFirst("mixed_".count)) : name
  }

  /// A layer's class with the options that decide about shapes; both generations spell them alike.
  struct Layer {
    let className: String
    let options: JSONObject

    func int(_ key: String) -> Int? { options[key]?.int }

    /// A number, or one for each axis of `rank`.
    func ints(_ key: String, rank: Int) -> [Int]? {
      guard let value = options[key], !value.isNull else { return nil }
      if let one = value.int { return Array(repeating: one, count: rank) }
      let list = value.array?.compactMap(\.int)
      return list?.count == rank ? list : nil
    }

    var isChannelsFirst: Bool { options["data_format"] == "channels_first" }

    /// The shape of the one output; nil where it cannot be told.
    func output(_ inputs: [Shape]) -> Shape? {
      let input = inputs[0]
      if LayerClasses.keepingShape.contains(className) { return input }
      if className.hasPrefix("Global") { return globalPooling(input) }
      if let spatial = spatial(input) { return spatial }
      switch className {
      case "Dense": return int("units").map { input.dropLast() + [$0] }
      case "Embedding": return int("output_dim").map { input + [$0] }
      case "EinsumDense": return einsum(input)
      case "Flatten": return [input.first ?? nil, Self.product(input.dropFirst())]
      case "Reshape": return reshaped(input)
      case "Permute":
        guard let axes = options["dims"]?.array?.compactMap(\.int),
          axes.allSatisfy({ input.indices.contains($0) })
        else { return nil }
        return [input[0]] + axes.map { input[$0] }
      case "RepeatVector": return int("n").map { [input[0], $0] + input.dropFirst() }
      case "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum":
        return inputs.allSatisfy { $0 == input } ? input : nil
      case "Concatenate": return concatenated(inputs)
      case "MultiHeadAttention":
        guard let output = options["output_shape"], !output.isNull else { return input }
        let own = output.int.map { [$0] } ?? output.array?.compactMap(\.int)
        return own.map { input.dropLast() + $0 }
      case "Attention", "AdditiveAttention":
        guard inputs.count >= 2, let features = inputs[1].last else { return nil }
        return input.dropLast() + [features]
      case "TimeDistributed": return timeDistributed(input)
      default: return nil
      }
    }

    private func timeDistributed(_ input: Shape) -> Shape? {
      guard input.count >= 2, let layer = options["layer"] else { return nil }
      let inner = Layer(
        className: layer["class_name"]?.string ?? "",
        options: layer["config"]?.object ?? JSONObject())
      let step = inner.output([[input[0]] + input.dropFirst(2)])
      return step.map { [$0[0], input[1]] + $0.dropFirst() }
    }

    private func concatenated(_ inputs: [Shape]) -> Shape? {
      let input = inputs[0]
      let axis = int("axis") ?? -1
      let index = axis < 0 ? axis + input.count : axis
      guard input.indices.contains(index), inputs.allSatisfy({ $0.count == input.count }) else {
        return nil
      }
      var output = input
      output[index] = inputs.reduce(0) { sum, shape in
        shape[index].flatMap { extent in sum.map { $0 + extent } }
      }
      return output
    }

    private func reshaped(_ input: Shape) -> Shape? {
      guard var target = options["target_shape"]?.array?.compactMap(\.int) else { return nil }
      if let open = target.firstIndex(of: -1) {
        let rest = target.filter { $0 != -1 }.reduce(1, *)
        guard let count = Self.product(input.dropFirst()), rest > 0 else {
          return [input[0]] + target.map { $0 == -1 ? nil : $0 }
        }
        target[open] = count / rest
      }
      return [input[0]] + target
    }

    /// Both lists of extents between the brackets, those without number from the input by their letters.
    private func einsum(_ input: Shape) -> Shape? {
      guard let equation = options["equation"]?.string, !equation.contains("."),
        let given = options["output_shape"]
      else { return nil }
      let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
      guard sides.count == 2, let letters = equation.split(separator: ",").first,
        letters.count == input.count
      else { return nil }
      let own = given.int.map { [JSONValue($0)] } ?? given.array ?? []
      guard own.count == sides[1].count - 1 else { return nil }
      let extents = Dictionary(zip(letters, input)) { first, _ in first }
      return [input[0]]
        + zip(sides[1].dropFirst(), own).map { letter, extent in
          extent.int ?? extents[letter] ?? nil
        }
    }

    static func product(_ extents: some Sequence<Int?>) -> Int? {
      extents.reduce(1) { product, extent in
        extent.flatMap { extent in
          product.flatMap { product in
            let (result, overflow) = product.multipliedReportingOverflow(by: extent)
            return overflow ? nil : result
          }
        }
      }
    }
  }
}
