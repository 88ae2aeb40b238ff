public import Tensors

/// A plain HDF5 file of named tensors, for data and results: no layout of Keras.
public enum TensorFile {
  /// Writes each tensor as the dataset of its name, whole or not at all, as ``Checkpoint/save(to:profile:replacing:threadCount:maximumShardByteCount:digests:bfloat16:reusing:)``
  /// does.
  ///
  /// - Parameter tensors: names are paths in the file; parents are made as needed.
  /// - Throws: `outputExists`, `unwritable`.
  public static func write(
    _ tensors: [(name: String, value: Tensor)], to path: String, replacing: Bool = false
  ) throws(CheckpointError) {
    var plan = FilePlan()
    plan.datasets = tensors.map { .init(path: $0.name, value: $0.value) }
    try plan.write(to: path, replacing: replacing, threadCount: 1)
  }
}
