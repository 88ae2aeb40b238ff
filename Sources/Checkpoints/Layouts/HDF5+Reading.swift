import HDF5
import Tensors

extension HDF5Attributes {
  func optionalString(_ name: String) throws(HDF5Error) -> String? {
    try contains(name) ? try string(name) : nil
  }

  /// A list of names: one attribute, or `name0`, `name1`, ... until one is missing; empty when there
  /// is neither.
  func nameList(_ name: String) throws(HDF5Error) -> [String] {
    if try contains(name) { return try strings(name) }
    var names: [String] = []
    var chunk = 0
    while try contains("\(name)\(chunk)") {
      names += try strings("\(name)\(chunk)")
      chunk += 1
    }
    return names
  }
}

extension CheckpointEntry {
  /// Describes an open dataset.
  init(_ dataset: borrowing HDF5Dataset, name: String, role: Role) throws(HDF5Error) {
    // A stored shape was checked against the file's size; one that overflows cannot come this far.
    let shape = Shape(validating: dataset.shape) ?? [0]
    self.init(
      name: name, role: role, datasetPath: dataset.path, shape: shape,
      dtype: DType(dataset.elementType), storedType: dataset.elementType.description,
      byteCount: dataset.byteCount, byteOffset: dataset.byteOffset)
  }

  /// The same tensor in the role, and under the canonical name, that a tie gives it.
  func tied(_ tie: SlotTies.Tie) -> CheckpointEntry {
    switch tie {
    case .iteration: renamed("iteration", .iteration)
    case .learningRate: renamed("learning_rate", .learningRate)
    case .slot(let slot, let owner, let ownerName):
      renamed("\(slot)/\(ownerName)", .slot(slot: slot, owner: owner, ownerName: ownerName))
    case .lossScale(let number): renamed(LossScaleState.entryName(number), .lossScale)
    case .untied: renamed(name, .untied)
    }
  }

  func renamed(_ name: String, _ role: Role) -> CheckpointEntry {
    CheckpointEntry(
      name: name, role: role, datasetPath: datasetPath, shape: shape, dtype: dtype,
      storedType: storedType, byteCount: byteCount, byteOffset: byteOffset)
  }
}

extension HDF5Group {
  /// The single number that an entry of the given role holds; nil without such an entry.
  func scalar<Value: TensorElement>(
    of role: CheckpointEntry.Role, in entries: [CheckpointEntry], as _: Value.Type
  ) throws(HDF5Error) -> Value? {
    guard let entry = entries.first(where: { $0.role == role }),
      entry.shape.elementCount == 1
    else { return nil }
    let dataset = try openDataset(entry.datasetPath)
    // Before libhdf5 converts a number it clears a buffer of 1 MiB; what needs widening alone is read as it is.
    if entry.dtype == .float32, Value.dtype == .float64 {
      var number: Float = 0
      try withUnsafeMutableBytes(of: &number) { (bytes) throws(HDF5Error) in
        try dataset.read(into: bytes, as: Float.dtype.elementType)
      }
      return Value(rounding: .floating(Double(number)))
    }
    var value = Value(rounding: .signed(0))
    try withUnsafeMutableBytes(of: &value) { (bytes) throws(HDF5Error) in
      try dataset.read(into: bytes, as: Value.dtype.elementType)
    }
    return value
  }
}
