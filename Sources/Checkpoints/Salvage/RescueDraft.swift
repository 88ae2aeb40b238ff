import Tensors

/// A rescued checkpoint that is to be written.
enum RescueDraft {
  case hdf5(FilePlan)
  /// The tensors in the file's order.
  case plain(PlainFile, [Tensor])

  /// Writes it whole under a name that nobody has; of sharded weights one file, which is a weights file.
  ///
  /// - Throws: `outputExists`, `unwritable`.
  func write(to path: String) throws {
    switch self {
    case .hdf5(var plan):
      if plan.wrapping.isShards { plan.wrapping = .none }
      try plan.write(to: path, replacing: false, threadCount: 2)
    case .plain(let plain, let tensors):
      do {
        let pending = PendingFile(for: path)
        let file = try SequentialFile(creating: pending.temporaryPath)
        try plain.write(to: file, for: path) { number, sink in
          try tensors[number].withUnsafeBytes(sink)
        }
        try pending.commit(replacing: false)
      } catch {
        throw CheckpointError.saving(path, error)
      }
    }
  }
}

extension Examination {
  /// Bytes of variables in that of its files that has most.
  var greatestVariableByteCount: Int {
    let counts = contents.map { content in
      content.objects.reduce(0) { count, object in
        let isCairn = object.path.hasPrefix("/\(CairnGroup.path)/")
        return count + (isCairn ? 0 : object.dataset?.byteCount ?? 0)
      }
    }
    return max(1, counts.max() ?? 0)
  }
}
