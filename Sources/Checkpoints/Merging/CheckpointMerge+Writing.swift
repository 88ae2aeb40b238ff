import HDF5
public import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension CheckpointMerge {
  /// Writes the merged checkpoint: a copy of ours, byte for byte but for what is merged, or one of another
  /// profile. It comes into being whole or not at all; the inputs are not touched.
  ///
  /// A copy is made in pieces, whatever the size of the tensors. For another profile it is converted
  /// afterwards, which takes the memory of one checkpoint.
  ///
  /// - Throws: `refused` when something is in conflict, `unsupported` when ours is no checkpoint of Keras or
  ///   Cairn, `outputExists`, `unwritable`, and what reading throws.
  public func write(
    base: borrowing CheckpointReader, ours: borrowing CheckpointReader,
    theirs: borrowing CheckpointReader, to output: String, profile: Profile? = nil,
    replacing: Bool = false
  ) throws(CheckpointError) {
    guard isComplete else {
      throw CheckpointError(
        .refused, "cannot merge", path: ours.path,
        expected: "no conflicts",
        found: "\(tensors.count { $0.outcome == .conflict }) in tensors and "
          + "\(settings.count { $0.resolution == nil }) in settings",
        cure: "choose a strategy")
    }
    try base.refuseInput(as: output)
    try ours.refuseInput(as: output)
    try theirs.refuseInput(as: output)
    if case .plain = ours.storage {
      throw CheckpointError(
        .unsupported, "cannot merge into", path: ours.path, object: "ours",
        expected: "a checkpoint of Keras or Cairn", found: "plain tensors, for other programs",
        cure: "merge checkpoints, and export the result")
    }
    if !replacing, FolderTree.kind(of: output) != nil {
      throw CheckpointError.saving(output, SystemCallError("link", code: EEXIST))
    }
    let own = Profile(dialect: ours.manifest.dialect, layout: ours.manifest.layout)
    guard let profile, profile != own else {
      try writeCopy(base, ours, theirs, to: output, replacing: replacing)
      return
    }
    // Layouts are told by content; only shards have names that follow from their map's.
    let layout = ours.manifest.layout
    let merged =
      PendingFile.temporaryPath(for: output) + (layout == .sharded ? layout.fileSuffix : "")
    defer { Self.remove(merged) }
    try writeCopy(base, ours, theirs, to: merged, replacing: false)
    try CheckpointReader(opening: merged).convert(
      to: profile, writing: output, replacing: replacing)
  }

  private static func remove(_ path: String) {
    let shards = PendingShards.names(ofMap: path)
    FolderTree.remove(path)
    for shard in shards { FolderTree.remove(shard) }
  }

  private func writeCopy(
    _ base: borrowing CheckpointReader, _ ours: borrowing CheckpointReader,
    _ theirs: borrowing CheckpointReader, to output: String, replacing: Bool
  ) throws(CheckpointError) {
    try ours.requirePlaces(for: assignments.map(\.ours), "cannot merge into")
    try ours.writeCopy(
      to: output, replacing: replacing, try configuration(for: ours.manifest, path: ours.path)
    ) { copies, digests in
      for (index, copy) in copies.enumerated() {
        let file = try TensorUpdate(copy)
        for assignment in assignments where ours.fileIndex(of: assignment.ours) == index {
          var renewed = digests.renewal(of: assignment.ours, in: index)
          try merge(assignment, base, ours, theirs) { rows, piece in
            piece.withUnsafeBytes { renewed?.update($0) }
            try file.write(piece, to: assignment.ours, rows: rows)
          }
          if let renewed = renewed.take() { digests.renew(assignment.ours, of: index, renewed) }
        }
        for (entry, value) in scalars(of: ours.manifest) where ours.fileIndex(of: entry) == index {
          digests.renew(entry, of: index, value)
          try file.write(value, to: entry, rows: 0..<1)
        }
      }
    }
  }

  /// Numbers that are computed from those of the manifests.
  private func scalars(of ours: CheckpointManifest) -> [(CheckpointEntry, Tensor)] {
    ours.entries.compactMap { entry in
      guard let dtype = entry.dtype else { return nil }
      if entry.role == .iteration, let iterations {
        return (entry, Tensor(scalar: iterations).converted(to: dtype).reshaped(to: entry.shape))
      }
      if entry.role == .learningRate, let learningRate, learningRate != ours.optimizer?.learningRate
      {
        return (entry, Tensor(scalar: learningRate).converted(to: dtype).reshaped(to: entry.shape))
      }
      return nil
    }
  }

  /// The configuration to be written; nil when it is that of ours.
  private func configuration(
    for ours: CheckpointManifest, path: String
  ) throws(CheckpointError) -> RestoredConfiguration? {
    let rateIsVariable = ours.entries.contains { $0.role == .learningRate }
    let changesRate = learningRate != nil && learningRate != ours.optimizer?.learningRate
    guard let training = training ?? (changesRate && !rateIsVariable ? ours.training : nil) else {
      return nil
    }
    var merged = ours
    merged.training = training
    if let learningRate { merged.optimizer?.learningRate = learningRate }
    return try RestoredConfiguration(of: merged, for: ours, targetPath: path)
  }

  /// Gives the merged pieces of a tensor, from the first row to the last.
  private func merge(
    _ assignment: Assignment, _ base: borrowing CheckpointReader,
    _ ours: borrowing CheckpointReader, _ theirs: borrowing CheckpointReader,
    _ body: (Range<Int>, Tensor) throws -> Void
  ) throws {
    let entries = (base: assignment.base, ours: assignment.ours, theirs: assignment.theirs)
    var failure: (any Error)?
    try Self.forEachPiece(of: entries, base, ours, theirs) { rows, a, b, c in
      guard failure == nil else { return }
      let merged = MergedElements.merge(
        rows: rows, isRowWise: assignment.rule.isRowWise, base: a, ours: b, theirs: c
      ) { operation(for: $0, of: assignment) }
      do { try body(rows, merged) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// What is made of a unit; nil where one side at most changed it, or both alike.
  private func operation(for unit: Int, of assignment: Assignment) -> UnitOperation? {
    let isConflict = assignment.conflicts.contains(unit)
    switch assignment.rule {
    case .setting, .counter:
      return isConflict ? (options.settingsSide ?? .ours).operation : nil
    case .growth:
      if let side = options.strategy?.side,
        assignment.followed?.contains(unit) == true || (isConflict && assignment.falls)
      {
        return side.operation
      }
      return isConflict ? .sum : nil
    case .units(_, let isRunningMean):
      guard isConflict, let strategy = options.strategy else { return nil }
      switch strategy {
      case .ours: return .ours
      case .theirs: return .theirs
      case .average: return .mean
      case .sumOfChanges: return isRunningMean ? .mean : .sum
      }
    case .kept: return .ours
    }
  }
}

extension MergeSide {
  fileprivate var operation: UnitOperation { self == .ours ? .ours : .theirs }
}

/// Elements of tensors that are exchanged in a copy: at their place where they lie there as they are in
/// memory, through libhdf5 where they are filtered or in another byte order.
private struct TensorUpdate: ~Copyable {
  private let descriptor: Int32
  private let path: String

  init(_ path: String) throws(SystemCallError) {
    self.path = path
    descriptor = try retryingInterrupted("open") { open(path, O_WRONLY | O_CLOEXEC) }
  }

  deinit { close(descriptor) }

  func write(_ piece: Tensor, to entry: CheckpointEntry, rows: Range<Int>) throws {
    guard let offset = entry.byteOffset else {
      try writeThroughLibrary(piece, to: entry, rows: rows)
      return
    }
    let rowByteCount = entry.shape.rank == 0 ? 0 : entry.byteCount / max(entry.shape[0], 1)
    let code = piece.withUnsafeBytes {
      FileSkeleton.writeAll($0, to: descriptor, at: offset + rows.lowerBound * rowByteCount)
    }
    if code != 0 { throw SystemCallError("pwrite", code: code) }
  }

  private func writeThroughLibrary(
    _ piece: Tensor, to entry: CheckpointEntry, rows: Range<Int>
  ) throws {
    guard piece.byteCount > 0 else { return }
    let file = try HDF5File.openForUpdate(path)
    do {
      let dataset = try file.root().openDataset(entry.datasetPath)
      try piece.withUnsafeBytes { bytes in
        if entry.shape.rank == 0 {
          try dataset.write(from: bytes, as: piece.dtype.elementType)
        } else {
          try dataset.writeRows(rows, from: bytes, as: piece.dtype.elementType)
        }
      }
    }
    try file.close()
  }
}
