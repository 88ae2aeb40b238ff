/// Whose formulas an optimizer computes by, where the generations of Keras differ.
public enum Arithmetic: String, Sendable, Hashable, CaseIterable {
  /// Keras 2.11 and 2.12, and tf_keras.
  case keras2
  /// Keras 3.
  case keras3
  /// The optimizers of Keras up to 2.10 (`tf.keras.optimizers.legacy`).
  case kerasLegacy
}
