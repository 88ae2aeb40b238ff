import HDF5
public import KerasConfiguration
import Tensors

extension Checkpoint {
  /// Writes the checkpoint to `path` in a layout that the Keras of `profile` opens.
  ///
  /// The file comes into being whole or not at all: it is written under another name, made durable,
  /// and renamed. Until then, and after any failure, what stood at `path` stays as it was.
  ///
  /// - Parameters:
  ///   - replacing: whether an existing file may be replaced; otherwise that is an error.
  ///   - threadCount: how many threads write the tensors.
  ///   - maximumShardByteCount: in a layout of several files, the bytes of variables in each; a larger
  ///     variable gets a file of its own.
  ///   - digests: how the digests are computed that the file gets, by which every reader of Cairn
  ///     notices damage (<doc:Digests>); nil for none.
  ///   - bfloat16: how tensors of bfloat16 are stored; natively for Keras 3 only.
  ///   - skeleton: spares a series of saves of one run the layout of all files but the first; not used in a
  ///     layout of several files.
  /// - Throws: `unsupported` when the layout cannot hold the checkpoint, `outputExists`, `unwritable`.
  public func save(
    to path: String, profile: Profile, replacing: Bool = false, threadCount: Int = 2,
    maximumShardByteCount: Int = 5 << 30, digests: DigestAlgorithm? = .crc32c,
    bfloat16: BFloat16Storage = .float32, reusing skeleton: KeptSkeleton? = nil
  ) throws(CheckpointError) {
    var plan = try FilePlan(of: self, profile: profile, bfloat16: bfloat16, path: path)
    plan.digests = digests
    plan.limitShards(to: max(1, maximumShardByteCount))
    try plan.write(
      to: path, replacing: replacing, threadCount: threadCount, reusing: skeleton)
  }
}

extension FilePlan {
  /// Lays the file out, fills it, and commits it. Left-overs of writers of the same file that died are
  /// removed.
  func write(
    to path: String, replacing: Bool, threadCount: Int, reusing kept: KeptSkeleton? = nil
  ) throws(CheckpointError) {
    let name = FileSystem.name(of: path)
    PendingName.removeAbandoned(in: FileSystem.folder(of: path)) { final in
      final == name || (wrapping.isShards && PendingShards.isShard(final, ofMap: name))
    }
    let pending = try PendingCheckpoint(
      writing: self, for: path, replacing: replacing, threadCount: threadCount,
      reusing: kept)
    try pending.commit(replacing: replacing)
  }

  /// Writes one HDF5 file, whole, under a name that is not yet final.
  ///
  /// - Throws: ``UnfinishedFile`` once the size of the file is known.
  func layOut(at path: String, threadCount: Int, reusing kept: KeptSkeleton? = nil) throws {
    let file = try NewFile(path)
    var early: EarlyFill.Outcome?
    func layOut() throws -> FileSkeleton {
      try self.layOut(file, named: path, threadCount: threadCount, &early)
    }
    let skeleton = try kept?.skeleton(of: self, orLayingOut: layOut) ?? layOut()
    do {
      let checksum = try skeleton.fill(
        file, with: datasets, early: early, threadCount: threadCount, documents: documents,
        checksumFrom: isArchive ? contentOffset : nil)
      try wrap(path, skeleton, checksum)
    } catch {
      throw UnfinishedFile(error: error, byteCount: skeleton.byteCount)
    }
  }

  /// Makes the skeleton, and writes what can be written meanwhile.
  private func layOut(
    _ file: NewFile, named path: String, threadCount: Int, _ early: inout EarlyFill.Outcome?
  ) throws -> FileSkeleton {
    let table = digests.map { DigestTable($0, of: self) }
    guard threadCount > 1, datasets.count >= EarlyFill.minimumDatasetCount else {
      return try FileSkeleton(layingOut: self, table, named: path)
    }
    // The file will have these and more.
    try file.reserve(contentOffset + datasets.reduce(0) { $0 + $1.value.byteCount })
    let fill = EarlyFill(file, datasets, table: table, computesChecksums: isArchive)
    defer { fill.wait() }
    let skeleton = try FileSkeleton(layingOut: self, table, named: path) { fill.place($0, at: $1) }
    early = try fill.finish()
    return skeleton
  }

  private var isArchive: Bool { if case .archive = wrapping { true } else { false } }

  /// Puts the archive around the content; nothing for other files.
  private func wrap(_ path: String, _ skeleton: FileSkeleton, _ checksum: UInt32?) throws {
    guard let checksum else { return }
    try ZipArchive.wrap(
      path, content: contentOffset..<skeleton.byteCount, checksum: checksum,
      as: ArchiveLayout.weightsMember, documents: documents)
  }
}

/// A file could not be completed.
struct UnfinishedFile: Error {
  let error: any Error
  /// Bytes that it would have had.
  let byteCount: Int
}

extension CheckpointError {
  /// What a failure of a save means to the user.
  static func saving(_ path: String, _ error: any Error) -> CheckpointError {
    switch error {
    case let error as SystemCallError where error.isAlreadyExists && FolderTree.isSpecial(path):
      CheckpointError(
        .outputExists, "cannot write", path: path, object: "output", expected: "a file",
        found: "a device, a pipe or a socket", cause: error)
    case let error as SystemCallError where error.isAlreadyExists:
      CheckpointError(
        .outputExists, "cannot write", path: path, object: "output",
        expected: "no file of this name",
        found: "the file exists",
        cure: "choose another name, or allow replacing it (--force)", cause: error)
    case let error as SystemCallError:
      CheckpointError(
        .unwritable, "cannot write", path: path, object: "output",
        expected: "a file that can be written",
        found: error.description, cure: error.cure,
        cause: error)
    case let error as HDF5Error where error.systemErrorNumber != nil:
      .saving(path, SystemCallError(error.operation, code: error.systemErrorNumber!))
    case let error as HDF5Error where error.kind == .alreadyExists:
      CheckpointError(
        .unsupported, "cannot write", path: path, object: error.object,
        expected: "names of layers by which the layout tells all variables apart",
        found: "two objects of this name", cure: "rename a layer, or take another layout",
        cause: error)
    case let error as HDF5Error:
      CheckpointError(
        .unwritable, "cannot write", path: path, object: error.object ?? "output",
        expected: "to write it whole", found: error.message,
        cause: error)
    case let error as CheckpointError: error
    default:
      CheckpointError(
        .unwritable, "cannot write", path: path, object: "output",
        expected: "a file that can be written", found: String(describing: error), cause: error)
    }
  }
}

extension HDF5Error {
  /// The operating system's error number behind this one, which libhdf5 gives only in its texts:
  /// `..., errno = 28, error message = 'No space left on device', ...`.
  fileprivate var systemErrorNumber: Int32? {
    for frame in stack {
      let parts = frame.message.split(separator: "errno = ", maxSplits: 1)
      if parts.count == 2 { return Int32(parts[1].prefix { $0.isNumber }) }
    }
    return nil
  }
}
