import Dispatch
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// MARK: - Tensors that lie in the file as they are in memory

extension CheckpointReader {
  /// Whole tensors, in the file's dtypes.
  func read(_ entries: [CheckpointEntry]) throws(CheckpointError) -> [Tensor] {
    for entry in entries { _ = try entry.requireDType(path: path) }
    var tensors = entries.map(\.uninitializedTensor)
    try read(entries, into: &tensors)
    return tensors
  }

  /// Reads tensors into the memory of others of their dtypes and shapes; one that is shared gets new
  /// memory. What lies in the file as it is in memory comes without libhdf5, in the order of the file,
  /// by few calls and from several threads.
  ///
  /// - Throws: `unreadable`; the tensors' elements are undefined then.
  func read(
    _ entries: [CheckpointEntry], into tensors: inout [Tensor], threadCount: Int = 2
  ) throws(CheckpointError) {
    do {
      var parts: [ScatteredRead.Part] = []
      for (index, entry) in entries.enumerated() {
        guard let offset = entry.byteOffset else {
          tensors[index] = try read(entry)
          continue
        }
        let memory = tensors[index].storageForUpdate().new.bytes
        precondition(memory.count == entry.byteCount, "a tensor of another size")
        parts.append(
          .init(descriptor: try storage.descriptor(of: entry), offset: offset, memory: memory))
      }
      let failure = ScatteredRead.perform(parts, threadCount: threadCount)
      withExtendedLifetime(tensors) {}
      if let failure { throw failure }
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

extension CheckpointEntry {
  /// A tensor of this dtype, which must be one, and shape, whose elements are yet to be set.
  var uninitializedTensor: Tensor {
    Tensor(shape: shape, dtype: dtype!) { _ in }
  }

  /// Some rows as a tensor of their own, if they exist and lie in the file as they are in memory.
  func rowsInPlace(_ rows: Range<Int>) -> CheckpointEntry? {
    guard let byteOffset, shape.rank > 0, rows.lowerBound >= 0, rows.upperBound <= shape[0] else {
      return nil
    }
    let rowByteCount = byteCount / max(shape[0], 1)
    return CheckpointEntry(
      name: name, role: role, datasetPath: datasetPath,
      shape: Shape([rows.count] + shape.dimensions.dropFirst()), dtype: dtype,
      storedType: storedType, byteCount: rows.count * rowByteCount,
      byteOffset: byteOffset + rows.lowerBound * rowByteCount)
  }
}
