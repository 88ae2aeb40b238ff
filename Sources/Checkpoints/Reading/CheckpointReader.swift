import HDF5
import KerasConfiguration
public import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An open checkpoint file: what it says at once, tensors on demand.
///
/// The layout is recognised by content, never by the file's name. Not `Sendable`, like the HDF5 file
/// that it holds: one task at a time.
public struct CheckpointReader: ~Copyable {
  /// As it was given.
  public let path: String
  /// What the operating system opens: ``path``, unless that is a name for people.
  let file: String
  public let manifest: CheckpointManifest
  let storage: TensorStorage

  /// Opens a file and reads everything but the tensors. Besides Keras's layouts it takes safetensors and
  /// `.npz`, whose tensors have the roles that ``export(to:format:replacing:)`` recorded, or that their
  /// names tell.
  ///
  /// - Parameter verifying: whether everything that has digests (<doc:Digests>) is compared with them:
  ///   structure and documents at once, whole tensors whenever they are read.
  /// - Throws: `unreadable` for what is no readable file of these kinds, `unrecognized` for one without
  ///   a Keras layout, `inconsistent` where its parts contradict each other, `damaged` where a digest
  ///   says so.
  public init(opening path: String, verifying: Bool = true) throws(CheckpointError) {
    let opened: OpenCheckpoint
    let manifest: CheckpointManifest
    do {
      opened = try OpenCheckpoint(path, verifying: verifying)
      manifest = try opened.readManifest()
    } catch {
      throw CheckpointError.reading(path, error)
    }
    self.init(path: path, manifest: manifest, storage: opened.storage)
  }

  /// As ``init(opening:verifying:)``, of a file that goes by another name in ``path`` and in errors, since its
  /// own means nothing to the user.
  package init(opening file: String, named name: String, verifying: Bool) throws(CheckpointError) {
    let reader: CheckpointReader
    do throws(CheckpointError) {
      reader = try CheckpointReader(opening: file, verifying: verifying)
    } catch {
      throw error.naming(file, name)
    }
    self.init(path: name, file: file, manifest: reader.manifest, storage: reader.storage)
  }

  init(
    path: String, file: String? = nil, manifest: CheckpointManifest, storage: TensorStorage
  ) {
    self.path = path
    self.file = file ?? path
    self.manifest = manifest
    self.storage = storage
  }
}

// MARK: - Tensors

extension CheckpointReader {
  /// A whole tensor, in the file's dtype.
  ///
  /// - Throws: `damaged` when a digest of the file says that it is not what was written.
  public func read(_ entry: CheckpointEntry) throws(CheckpointError) -> Tensor {
    if entry.byteOffset != nil { return try read([entry])[0] }
    do {
      if case .plain(let tensors) = storage { return try tensors.read(entry, rows: nil) }
      let dataset = try openRoot(of: entry).openDataset(entry.datasetPath)
      let tensor = try dataset.readTensor(entry, path: path)
      var check = try check(of: entry)
      try check.update(tensor)
      return tensor
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// Some rows (along the first axis) of a tensor; a scalar is its only row.
  ///
  /// With digests, the blocks of 1 MiB that the rows touch are read whole and compared.
  ///
  /// - Throws: `damaged` when one of these blocks is not what was written.
  public func read(
    _ entry: CheckpointEntry, rows: Range<Int>
  ) throws(CheckpointError) -> Tensor {
    guard entry.shape.rank > 0, !rows.isEmpty, rows.lowerBound >= 0,
      rows.upperBound <= entry.shape[0], let open = storage.file(of: entry),
      let digests = try open.digests(of: entry)
    else { return try readUnverified(entry, rows: rows) }
    let rowByteCount = entry.byteCount / entry.shape[0]
    guard rowByteCount > 0 else { return try readUnverified(entry, rows: rows) }
    let blocks = digests.record.blocks(
      covering: rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount)
    // Rows and blocks end at different bytes.
    let surrounding =
      blocks.lowerBound / rowByteCount..<(blocks.upperBound + rowByteCount - 1) / rowByteCount
    let tensor = try readUnverified(entry, rows: surrounding)
    let start = surrounding.lowerBound * rowByteCount
    let damage = tensor.withUnsafeBytes { bytes in
      digests.damage(
        in: .init(rebasing: bytes[blocks.lowerBound - start..<blocks.upperBound - start]),
        from: blocks.lowerBound)
    }
    if let damage = damage.first { throw .damaged(open.file.path, entry.name, damage) }
    return tensor.rows(rows.lowerBound - surrounding.lowerBound, count: rows.count)
  }

  /// Rows for somebody who compares them with the digests, or wants what is there.
  func readUnverified(
    _ entry: CheckpointEntry, rows: Range<Int>
  ) throws(CheckpointError) -> Tensor {
    guard entry.shape.rank > 0 else { return try read(entry) }
    if let part = entry.rowsInPlace(rows) { return try read([part], verifying: false)[0] }
    do {
      if case .plain(let tensors) = storage { return try tensors.read(entry, rows: rows) }
      let dtype = try entry.requireDType(path: path)
      let dataset = try openRoot(of: entry).openDataset(entry.datasetPath)
      let shape = Shape([rows.count] + entry.shape.dimensions.dropFirst())
      return try Tensor(shape: shape, dtype: dtype) { bytes in
        try dataset.readRows(rows, into: bytes, as: dtype.elementType)
      }
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// SHA-256 of a tensor's little-endian bytes, row-major, as 64 hexadecimal digits; reads it in
  /// pieces.
  ///
  /// - Throws: what reading throws; `damaged` where a digest of the file says that it is not what was written.
  public func sha256(of entry: CheckpointEntry) throws(CheckpointError) -> String {
    var digest = SHA256()
    do {
      try source(of: entry).forEachBlock { block in block.withUnsafeBytes { digest.update($0) } }
    } catch {
      throw CheckpointError.reading(path, error)
    }
    return digest.finalize()
  }

  /// The root of the HDF5 file that holds an entry.
  private func openRoot(of entry: CheckpointEntry) throws -> HDF5Group {
    guard let open = storage.file(of: entry) else {
      preconditionFailure("\(entry.datasetPath) is no entry of this checkpoint")
    }
    return try open.file.root()
  }
}

extension Tensor {
  /// Some of its rows as a tensor of their own, a copy.
  fileprivate func rows(_ first: Int, count: Int) -> Tensor {
    if count == shape[0] { return self }
    return withUnsafeBytes { bytes in
      let rowByteCount = bytes.count / shape[0]
      return Tensor(shape: Shape([count] + shape.dimensions.dropFirst()), dtype: dtype) {
        $0.copyMemory(
          from: .init(rebasing: bytes[first * rowByteCount..<(first + count) * rowByteCount]))
      }
    }
  }
}

extension HDF5Dataset {
  /// All elements in the file's own dtype.
  func readTensor(_ entry: CheckpointEntry, path: String) throws -> Tensor {
    let dtype = try entry.requireDType(path: path)
    return try Tensor(shape: entry.shape, dtype: dtype) { bytes in
      try read(into: bytes, as: dtype.elementType)
    }
  }
}

extension CheckpointEntry {
  /// The dtype, if there is one.
  package func requireDType(path: String) throws(CheckpointError) -> DType {
    if let dtype { return dtype }
    throw CheckpointError(
      .unsupported, "cannot read", path: path, object: datasetPath,
      expected: "numbers", found: "elements of type \(storedType)",
      cure: "leave it out: no tensor holds them")
  }
}

extension CheckpointError {
  /// What a failure of reading means to the user.
  static func reading(_ path: String, _ error: any Error) -> CheckpointError {
    switch error {
    case let error as CheckpointError: error
    case let error as HDF5Error: reading(path, error)
    case let error as SystemCallError where error.code == EISDIR:
      CheckpointError(
        .unreadable, "cannot read", path: path, expected: "a checkpoint",
        found: "a directory of other content",
        cure: "name a file in it; checkpoint-inspect log lists the checkpoints of a folder",
        cause: error)
    case let error as SystemCallError:
      CheckpointError(
        .unreadable, "cannot read", path: path, expected: "a file that can be read",
        found: error.description, cure: "check the name and the permissions", cause: error)
    case let error as ConfigurationError:
      CheckpointError(
        .unreadable, "cannot read", path: path, object: "configuration",
        expected: "one that Keras writes", found: error.description, cause: error)
    default:
      CheckpointError(
        .unreadable, "cannot read", path: path, expected: "a readable checkpoint",
        found: String(describing: error), cause: error)
    }
  }

  /// What the checks before libhdf5 say is a whole problem; what libhdf5 and the system say is what was
  /// found.
  private static func reading(_ path: String, _ error: HDF5Error) -> CheckpointError {
    let expected =
      error.object == nil ? "an HDF5 file or another checkpoint" : "it whole and readable"
    return CheckpointError(
      .unreadable, "cannot read", path: path, object: error.object,
      problem: error.message.hasPrefix("expected ")
        ? error.message : "expected \(expected), found \(error.message)",
      cure: error.kind == .cannotOpen ? "check the name and the permissions" : nil, cause: error)
  }
}
