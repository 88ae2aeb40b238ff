import KerasConfiguration
import Tensors

/// How a file holds tensors of bfloat16.
public enum BFloat16Storage: String, Sendable, Hashable, CaseIterable {
  /// As float32: the same values in twice the bytes. Every Keras reads them, into variables of bfloat16,
  /// too.
  case float32
  /// As bfloat16, the way Keras 3 writes it: two opaque bytes an element, and the dtype's name in the
  /// dataset's attribute `dtype`. Only Keras 3 reads it back, from all layouts but whole models.
  case native
}

extension BFloat16Storage {
  /// Throws `unsupported` for a profile whose Keras could not read its tensors back.
  func requireReadable(in profile: Profile, path: String) throws(CheckpointError) {
    guard self == .native, !profile.readsBFloat16 else { return }
    throw CheckpointError(
      .unsupported, "cannot write", path: path, object: "bfloat16",
      expected: "a profile whose Keras reads bfloat16 back:"
        + " \(Profile.all.filter(\.readsBFloat16).map(\.name).joined(separator: ", "))",
      found: profile.name, cure: "store it as float32, which holds the same values")
  }
}

extension Checkpoint {
  /// The checkpoint with its variables and slots in the dtypes in which they are stored.
  func storing(bfloat16 storage: BFloat16Storage) -> Checkpoint {
    guard storage == .float32 else { return self }
    var stored = self
    for index in variables.indices where variables[index].value.dtype == .bfloat16 {
      stored.variables[index].value = variables[index].value.converted(to: .float32)
    }
    guard let slots = optimizer?.slots else { return stored }
    for index in slots.indices where slots[index].value.dtype == .bfloat16 {
      stored.optimizer?.slots[index].value = slots[index].value.converted(to: .float32)
    }
    return stored
  }
}
