/// What is known of a tensor of a model before it runs.
struct TensorSignature: Hashable {
  /// The extents, batch first, nil for any; nil as a whole where not even the rank is known.
  var shape: [Int?]?
  /// What the tensor holds, by Keras's name.
  var dtype: String

  init(shape: [Int?]? = nil, dtype: String = "float32") {
    self.shape = shape
    self.dtype = dtype
  }

  /// One step of a sequence.
  var withoutTime: TensorSignature {
    guard let shape, shape.count >= 2 else { return TensorSignature(dtype: dtype) }
    return TensorSignature(shape: [shape[0]] + shape.dropFirst(2), dtype: dtype)
  }
}

extension [TensorSignature] {
  /// The shape of one input, or the list of several; nil unless all are known.
  var buildShape: JSONValue? {
    let shapes = compactMap { $0.shape.map { JSONValue(shape: $0) } }
    guard !shapes.isEmpty, shapes.count == count else { return nil }
    return shapes.count == 1 ? shapes[0] : .array(shapes)
  }
}
