import Tensors

/// What the stored name of a weight in a whole-model file says about the variable.
///
/// Keras 2 writes `dense/kernel:0`, Keras 3 `sequential/dense/kernel`, wrappers add scopes
/// (`forward_lstm/lstm_cell/kernel:0`), some names lack the layer altogether (`mean:0`).
struct WeightLabel {
  let layer: LayerPath
  /// The variable's own name, such as `kernel`.
  let name: String

  /// - Parameters:
  ///   - layer: the top-level layer whose group holds the weight; nil for the model's own.
  ///   - model: the model's name, with which Keras 3 begins names of Sequential models.
  init(storedName: String, layer: String?, model: String?) {
    var parts = SlotTies.withoutOutputNumber(storedName)
      .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    name = parts.removeLast()
    guard let layer else {
      self.layer = LayerPath(parts)
      return
    }
    // A layer's own name may hold slashes in Keras 2, so it is compared part by part.
    let layerParts = layer.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if let model, parts.first == model, parts.dropFirst().starts(with: layerParts) {
      parts.removeFirst()
    }
    if parts.starts(with: layerParts) { parts.removeFirst(layerParts.count) }
    self.layer = LayerPath([layer] + parts)
  }
}
