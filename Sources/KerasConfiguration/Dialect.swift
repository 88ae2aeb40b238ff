/// Which Keras writes and reads a spelling.
public enum Dialect: String, Sendable, Hashable, CaseIterable {
  /// Keras 2 inside TensorFlow, as of 2.12.
  case keras2 = "keras-2"
  /// `tf_keras` and Keras 2.13 on: Keras 2's semantics, other spellings.
  case tfKeras = "tf-keras"
  /// Keras 3.
  case keras3 = "keras-3"

  /// From a file's `keras_version`, such as `2.12.0`; nil if it is not a version of Keras 2 or 3.
  public init?(kerasVersion: String) {
    let parts = kerasVersion.split(separator: ".", maxSplits: 2)
    guard let major = parts.first.flatMap({ Int($0) }) else { return nil }
    switch major {
    case 2:
      let minor = parts.count > 1 ? Int(parts[1].prefix { $0.isNumber }) ?? 0 : 0
      self = minor >= 13 ? .tfKeras : .keras2
    case 3: self = .keras3
    default: return nil
    }
  }
}

extension Dialect: CustomStringConvertible {
  /// As a user reads it: `Keras 2`, `tf_keras`, `Keras 3`.
  public var description: String {
    switch self {
    case .keras2: "Keras 2"
    case .tfKeras: "tf_keras"
    case .keras3: "Keras 3"
    }
  }
}

/// How a file is organised.
public enum Layout: String, Sendable, Hashable, CaseIterable {
  /// A whole model in one HDF5 file, configurations in attributes: `*.h5`.
  case wholeModel = "whole-model"
  /// The weights of such a file alone, without configuration and optimizer: `*.h5`.
  case legacyWeights = "legacy-weights"
  /// Keras's third format, weights and optimizer only: `*.weights.h5`.
  case weights = "weights"
  /// The third format whole: a zip archive of configuration and weights file: `*.keras`.
  case archive = "archive"
  /// The third format's weights in several HDF5 files beside a map of them: `*.weights.json`.
  case sharded = "sharded"
  /// The members of an archive as files of a folder.
  case directory = "directory"
  /// All tensors under their canonical names, in the format of the safetensors library: `*.safetensors`.
  /// No Keras reads it.
  case safetensors = "safetensors"
  /// The same as an archive of NumPy: `*.npz`. No Keras reads it.
  case npz = "npz"
}

/// Where a configuration stands; Keras spells the outermost objects differently in the two.
public enum ConfigurationContainer: Sendable, Hashable {
  /// The attributes `model_config` and `training_config` of a whole-model file.
  case attribute
  /// A document of its own: `config.json` of an archive, and the text of `to_json()`.
  case document
}

/// Whose formulas an optimizer computes by: the rule for repeated rows, start and rounding of the
/// averages, the global norm. Part of the training state; no conversion of a file changes it.
public enum Arithmetic: String, Sendable, Hashable, CaseIterable {
  /// Keras 2.11 on, without the legacy classes: the default.
  case keras2 = "keras-2"
  /// Keras 3.
  case keras3 = "keras-3"
  /// The optimizer classes of Keras before 2.11, since then `keras.optimizers.legacy`.
  case kerasLegacy = "keras-legacy"
}
