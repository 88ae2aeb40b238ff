import Dispatch
import HDF5
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// MARK: - Tensors that lie in the file as they are in memory

extension CheckpointReader {
  /// Tensors, in the file's dtypes; `verifying` as below.
  func read(
    _ entries: [CheckpointEntry], verifying: Bool = true
  ) throws(CheckpointError) -> [Tensor] {
    for entry in entries { _ = try entry.requireDType(path: path) }
    var tensors = entries.map(\.uninitializedTensor)
    try read(entries, into: &tensors, verifying: verifying)
    return tensors
  }

  /// Reads tensors into the memory of others of their dtypes and shapes; one that is shared gets new
  /// memory. What lies in the file as it is in memory comes without libhdf5, in the order of the file,
  /// by few calls and from several threads.
  ///
  /// - Parameter verifying: false for parts of tensors, which digests do not cover.
  /// - Throws: `unreadable`, `damaged`; the tensors' elements are undefined then.
  func read(
    _ entries: [CheckpointEntry], into tensors: inout [Tensor], verifying: Bool = true,
    threadCount: Int = 2
  ) throws(CheckpointError) {
    do {
      var parts: [ScatteredRead.Part] = []
      var partEntries: [CheckpointEntry] = []
      for (index, entry) in entries.enumerated() {
        guard let offset = entry.byteOffset else {
          tensors[index] = try read(entry)
          continue
        }
        let memory = tensors[index].storageForUpdate().new.bytes
        precondition(memory.count == entry.byteCount, "a tensor of another size")
        parts.append(
          .init(
            descriptor: try storage.descriptor(of: entry), offset: offset, memory: memory,
            digests: verifying ? try storage.file(of: entry)?.digests(of: entry) : nil))
        partEntries.append(entry)
      }
      let damage = try ScatteredRead.perform(parts, threadCount: threadCount)
      withExtendedLifetime(tensors) {}
      if let (part, blocks) = damage.min(by: { $0.key < $1.key }) {
        let entry = partEntries[part]
        throw CheckpointError.damaged(
          storage.file(of: entry)?.file.path ?? path, entry.name,
          blocks.min { $0.block < $1.block }!)
      }
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
