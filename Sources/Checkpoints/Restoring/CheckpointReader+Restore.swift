import HDF5
import KerasConfiguration
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension CheckpointReader {
  /// Writes a copy of `target` whose tensors are those of this checkpoint wherever `plan` says so.
  ///
  /// Everything else of the target, known or not, is kept byte for byte. The inputs are not touched;
  /// the output comes into being whole or not at all.
  ///
  /// - Parameter isDryRun: makes every check that needs no writing, and stops there.
  /// - Throws: `refused`, with the report, when something selected is missing, unused or mismatched.
  public func restore(
    _ plan: RestorePlan, into target: borrowing CheckpointReader, writing output: String,
    replacing: Bool = false, isDryRun: Bool = false
  ) throws(CheckpointError) {
    guard plan.report.isComplete else {
      throw CheckpointError(
        .refused, "cannot restore", path: path, object: "selection",
        expected: "the same tensors on both sides", found: plan.report.summary,
        cure: plan.isShortOfWeights
          ? "choose what to take with --only, or see the whole list with --dry-run"
          : "--role weight takes the weights alone, without what the optimizer keeps",
        report: plan.report)
    }
    guard !plan.assignments.isEmpty || plan.takesConfiguration else {
      throw CheckpointError(
        .refused, "cannot restore", path: path, object: "selection", expected: "something to take",
        found: "nothing that the target has, too",
        cure: "checkpoint-inspect show lists the names", report: plan.report)
    }
    try refuseInput(as: output)
    try target.refuseInput(as: output)
    if case .plain = target.storage {
      throw CheckpointError(
        .unsupported, "cannot restore into", path: target.path,
        object: "target", expected: "a checkpoint of Keras or Cairn",
        found: "plain tensors, for other programs",
        cure: "restore into a checkpoint, and export that")
    }
    let configuration =
      plan.takesConfiguration
      ? try RestoredConfiguration(
        of: manifest, for: target.manifest, targetPath: target.path) : nil
    try target.requirePlaces(for: plan.assignments.map(\.target), "cannot restore into")
    if !replacing, FolderTree.kind(of: output) != nil {
      throw CheckpointError.saving(output, SystemCallError("link", code: EEXIST))
    }
    if isDryRun { return }
    try target.writeCopy(to: output, replacing: replacing, configuration) { copies, digests in
      try patch(plan, target, at: copies, &digests)
    }
  }

  /// Writes a copy of this checkpoint, some of it changed.
  ///
  /// - Parameter change: gets where the copies of the files with tensors lie, and the digests to be renewed
  ///   of whatever it changes there.
  func writeCopy(
    to output: String, replacing: Bool, _ configuration: RestoredConfiguration?,
    changing change: ([String], inout CopiedDigests) throws -> Void
  ) throws(CheckpointError) {
    do {
      try copy(to: output, replacing: replacing) { copies in
        var digests = try CopiedDigests(in: copies, window: weightsWindow)
        try change(copies, &digests)
        try configuration?.write(to: copies, &digests)
        try digests.finish()
        if manifest.layout == .archive { try Self.renewChecksum(in: copies[0]) }
      }
    } catch {
      throw CheckpointError.saving(output, error)
    }
  }

  /// Puts the source's tensors into the copies of the target's files.
  private func patch(
    _ plan: RestorePlan, _ target: borrowing CheckpointReader, at copies: [String],
    _ digests: inout CopiedDigests
  ) throws {
    for (index, copy) in copies.enumerated() {
      let assignments = plan.assignments.filter { target.fileIndex(of: $0.target) == index }
      if !assignments.isEmpty { try patch(assignments, target, at: copy, index, &digests) }
    }
  }

  /// At their place in the file where they lie there as they are, through libhdf5 where they are filtered
  /// or in another byte order.
  private func patch(
    _ assignments: [RestorePlan.Assignment], _ target: borrowing CheckpointReader, at copy: String,
    _ index: Int, _ digests: inout CopiedDigests
  ) throws {
    let descriptor = try retryingInterrupted("open") { open(copy, O_WRONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    var others: [(CheckpointEntry, Tensor)] = []
    for assignment in assignments {
      let dtype = try assignment.target.requireDType(path: target.path)
      let tensor = try read(assignment.source).converted(to: dtype)
      digests.renew(assignment.target, of: index, tensor)
      guard let offset = assignment.target.byteOffset else {
        if tensor.byteCount > 0 { others.append((assignment.target, tensor)) }
        continue
      }
      let code = tensor.withUnsafeBytes {
        FileSkeleton.writeAll($0, to: descriptor, at: offset)
      }
      if code != 0 { throw SystemCallError("pwrite", code: code) }
    }
    guard !others.isEmpty else { return }
    let file = try HDF5File.openForUpdate(copy, isLocked: false)
    do {
      let root = try file.root()
      for (entry, tensor) in others {
        let dataset = try root.openDataset(entry.datasetPath)
        try tensor.withUnsafeBytes { try dataset.write(from: $0, as: tensor.dtype.elementType) }
      }
    }
    try file.close()
  }

  /// Throws where this checkpoint, as the target, cannot be changed in place: in an archive nothing but
  /// bytes at known offsets is written.
  func requirePlaces(
    for entries: [CheckpointEntry], _ operation: String
  ) throws(CheckpointError) {
    guard manifest.layout == .archive, !entries.isEmpty else { return }
    _ = try Self.weights(ofArchive: path)
    for entry in entries where entry.byteCount > 0 && entry.byteOffset == nil {
      throw CheckpointError(
        .unsupported, operation, path: path, object: entry.datasetPath,
        expected: "it as it is in memory",
        found: "it compressed or in another byte order inside an archive",
        cure: "save the archive anew with Keras first")
    }
  }

  /// Which of the checkpoint's files holds an entry.
  func fileIndex(of entry: CheckpointEntry) -> Int {
    guard case .shards(let shards) = storage else { return 0 }
    return shards.index(of: entry.datasetPath) ?? 0
  }
}

extension CheckpointReader {
  /// Where the HDF5 content lies in an archive; nil in every other layout.
  fileprivate var weightsWindow: Range<Int>? {
    get throws(CheckpointError) {
      guard manifest.layout == .archive else { return nil }
      guard case .window(_, let range) = try ArchiveLayout.weights(of: ZipArchive(reading: path))
      else { return nil }
      return range
    }
  }

  /// In an archive the checksum of the weights must follow their bytes.
  fileprivate static func renewChecksum(in copy: String) throws {
    guard let (member, offsets) = try weights(ofArchive: copy) else { return }
    try ZipArchive.renewChecksum(of: member, checksumOffsets: offsets, in: copy)
  }

  /// The member of the tensors, and where its checksum stands; nil for a compressed one.
  fileprivate static func weights(
    ofArchive path: String
  ) throws(CheckpointError) -> (ZipArchive.Member, [Int])? {
    // What is compressed cannot be changed.
    guard let member = try ZipArchive(reading: path)[ArchiveLayout.weightsMember],
      member.method == .stored
    else { return nil }
    guard let offsets = member.checksumOffsets else {
      throw CheckpointError(
        .unsupported, "cannot restore into", path: path,
        object: ArchiveLayout.weightsMember, expected: "its checksum before the data",
        found: "it behind them, as in archives that were written to a pipe",
        cure: "zip it again into a file")
    }
    return (member, offsets)
  }
}

/// Which file a path leads to, whatever it is called.
private struct FileIdentity: Equatable {
  private let device: UInt64
  private let inode: UInt64

  /// Nil when there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

extension CheckpointReader {
  /// Throws when `output` is this checkpoint, under whatever name.
  func refuseInput(as output: String) throws(CheckpointError) {
    guard let identity = FileIdentity(output),
      inputs.contains(where: { FileIdentity($0) == identity })
    else { return }
    throw CheckpointError(
      .outputExists, "cannot write", path: output, object: "output", expected: "a file of its own",
      found: "one of the inputs",
      cure: "choose another name")
  }

  /// The files that make up this checkpoint.
  private var inputs: [String] {
    guard case .shards(let shards) = storage else { return [file] }
    let folder = FileSystem.folder(of: file)
    return [file] + shards.map.shards.map { "\(folder)/\($0)" }
  }
}
