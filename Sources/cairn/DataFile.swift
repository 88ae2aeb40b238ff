import Checkpoints
import HDF5
import Tensors
import Training

/// An HDF5 file of training data: dataset `x` with a row per example, and its labels `y`.
struct DataFile {
  let path: String
  let inputs: Tensor
  let labels: Tensor

  /// Reads both datasets whole.
  init(reading path: String) throws {
    self.path = path
    let file = try HDF5File.open(path)
    let root = try file.root()
    inputs = try Self.read("x", from: root, path: path)
    labels = try Self.read("y", from: root, path: path)
  }

  /// Reads `x` alone, for predictions.
  static func inputs(of path: String) throws -> Tensor {
    let file = try HDF5File.open(path)
    return try read("x", from: file.root(), path: path)
  }

  private static func read(
    _ name: String, from root: borrowing HDF5Group, path: String
  ) throws -> Tensor {
    guard try root.exists(name) else {
      throw CommandError(
        "cannot read \(path): expected a dataset \(name), found "
          + "\(try root.memberNames().joined(separator: ", "))")
    }
    let dataset = try root.openDataset(name)
    guard let dtype = DType(dataset.elementType), let shape = Shape(validating: dataset.shape)
    else {
      throw CommandError(
        "cannot read \(path), \(dataset.path): expected numbers, found \(dataset.elementType)")
    }
    try MemoryCheck.require(
      [(shape, dtype)],
      orThrow: CommandError(
        "cannot read \(path), \(dataset.path): expected data that fit in memory, found shape "
          + "\(shape)"))
    return try Tensor(shape: shape, dtype: dtype) { bytes in
      try dataset.read(into: bytes, as: dataset.elementType)
    }
  }

  /// SHA-256 over dtype, shape and bytes of both datasets: changed data would make a resumed run
  /// another run.
  var digest: String {
    var digest = SHA256()
    for tensor in [inputs, labels] {
      Array("\(tensor.dtype) \(tensor.shape)\n".utf8).withUnsafeBytes { digest.update($0) }
      tensor.withUnsafeBytes { digest.update($0) }
    }
    return digest.finalize()
  }

  func dataset() throws(TrainingError) -> Dataset {
    try Dataset(inputs: inputs, labels: labels)
  }
}
