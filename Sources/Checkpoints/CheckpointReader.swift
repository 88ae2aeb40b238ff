import HDF5
import KerasConfiguration
public import Tensors

/// An open checkpoint file: what it says at once, tensors on demand.
///
/// The layout is recognised by content, never by the file's name. Not `Sendable`, like the HDF5 file
/// that it holds: one task at a time.
public struct CheckpointReader: ~Copyable {
  /// As it was given.
  public let path: String
  public let manifest: CheckpointManifest
  private let file: HDF5File

  /// Opens a file and reads everything but the tensors.
  ///
  /// - Throws: `unreadable` for what is no readable HDF5 file, `unrecognized` for one without a Keras
  ///   layout, `inconsistent` where its parts contradict each other.
  public init(opening path: String) throws(CheckpointError) {
    let archive = try Self.archive(at: path)
    let file = try Self.translatingErrors(path) {
      if let archive { return try ArchiveLayout.openWeights(of: archive) }
      return try HDF5File.open(path)
    }
    manifest = try Self.readManifest(file, archive: archive, path: path)
    self.path = path
    self.file = file
  }

  /// Nil for what is no zip archive.
  private static func archive(at path: String) throws(CheckpointError) -> ZipArchive? {
    do throws(SystemCallError) {
      guard try ZipArchive.isArchive(path) else { return nil }
    } catch {
      // libhdf5 finds the better words for a file that cannot be opened.
      return nil
    }
    return try ZipArchive(reading: path)
  }

  /// What a lower error means to the user who reads `path`.
  private static func translatingErrors<Result: ~Copyable>(
    _ path: String, _ body: () throws -> Result
  ) throws(CheckpointError) -> Result {
    do { return try body() } catch { throw CheckpointError.reading(path, error) }
  }

  private static func readManifest(
    _ file: borrowing HDF5File, archive: ZipArchive?, path: String
  ) throws(CheckpointError) -> CheckpointManifest {
    do {
      return try readManifest(file.root(), archive: archive, path: path)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  private static func readManifest(
    _ root: borrowing HDF5Group, archive: ZipArchive?, path: String
  ) throws -> CheckpointManifest {
    let cairn = try CairnGroup.read(root, path: path)
    var manifest: CheckpointManifest
    if let archive {
      manifest = try ArchiveLayout.readManifest(root, archive: archive, cairn: cairn)
    } else if try WholeModelLayout.isLaidOut(root) {
      manifest = try WholeModelLayout.readManifest(root, path: path)
    } else if try WeightsLayout.isLaidOut(root) {
      manifest = try WeightsLayout.readManifest(
        root, model: cairn?.model, training: cairn?.training, path: path)
    } else if try LegacyWeightsLayout.isLaidOut(root) {
      manifest = try LegacyWeightsLayout.readManifest(root, cairn: cairn, path: path)
    } else {
      throw CheckpointError(
        .unrecognized, "cannot read", path: path,
        problem:
          "expected a Keras checkpoint (root attribute model_config with group model_weights,"
          + " root attribute layer_names, or a root group layers), found none of them")
    }
    manifest.isFromCairn = cairn != nil
    manifest.resumption = cairn?.resumption
    manifest.optimizer?.recordedArithmetic = cairn?.arithmetic
    manifest.notes += KerasTraps.notes(on: manifest)
    if let note = try KerasTraps.noteOnAverages(manifest, root: root, path: path) {
      manifest.notes.append(note)
    }
    return manifest
  }
}

// MARK: - Tensors

extension CheckpointReader {
  /// A whole tensor, in the file's dtype.
  public func read(_ entry: CheckpointEntry) throws(CheckpointError) -> Tensor {
    do {
      let dataset = try file.root().openDataset(entry.datasetPath)
      return try dataset.readTensor(entry, path: path)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// Some rows (along the first axis) of a tensor; a scalar is its only row.
  public func read(
    _ entry: CheckpointEntry, rows: Range<Int>
  ) throws(CheckpointError) -> Tensor {
    guard entry.shape.rank > 0 else { return try read(entry) }
    do {
      let dtype = try entry.requireDType(path: path)
      let dataset = try file.root().openDataset(entry.datasetPath)
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
  public func sha256(of entry: CheckpointEntry) throws(CheckpointError) -> String {
    var digest = SHA256()
    for rows in entry.slabs(ofAtMost: 4 << 20) {
      try read(entry, rows: rows).withUnsafeBytes { digest.update($0) }
    }
    return digest.finalize()
  }

  /// Where a tensor's bytes begin in the file, if they lie there in one piece and as they are in
  /// memory; nil otherwise.
  func byteOffset(of entry: CheckpointEntry) throws(CheckpointError) -> Int? {
    do {
      return try file.root().openDataset(entry.datasetPath).byteOffset
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

// MARK: - The whole checkpoint

extension CheckpointReader {
  /// Everything in the file as one value.
  ///
  /// - Throws: `unsupported` when an optimizer variable cannot be tied to its owner, or the
  ///   configuration of the optimizer is missing or of a class that Cairn does not train with.
  public func load() throws(CheckpointError) -> Checkpoint {
    var variables: [Variable] = []
    for entry in manifest.entries {
      guard case .weight(let id) = entry.role else { continue }
      variables.append(Variable(id: id, name: entry.name, value: try read(entry)))
    }
    return Checkpoint(
      model: manifest.model, variables: variables, training: manifest.training,
      optimizer: try loadOptimizer(), resumption: manifest.resumption)
  }

  /// Nil when the file holds no optimizer.
  private func loadOptimizer() throws(CheckpointError) -> OptimizerState? {
    guard let summary = manifest.optimizer else { return nil }
    guard let entry = summary.entry else {
      throw CheckpointError(
        .unsupported, "cannot load the optimizer of", path: path,
        problem: "its configuration is not in the file",
        cure: "load the weights only, or restore into a checkpoint that has the configuration")
    }
    var configuration: OptimizerConfiguration
    do {
      configuration = try entry.decoded()
    } catch {
      throw CheckpointError(
        .unsupported, "cannot load the optimizer of", path: path, problem: error.description,
        cure: "load the weights only", cause: error)
    }
    if let arithmetic = summary.recordedArithmetic { configuration.arithmetic = arithmetic }
    // Keras 3 restores a stored rate over the configured one.
    if let rate = summary.learningRate { configuration.learningRate = .constant(rate) }
    var slots: [SlotVariable] = []
    for entry in manifest.entries {
      switch entry.role {
      case .slot(let slot, let owner, _):
        slots.append(SlotVariable(slot: slot, owner: owner, value: try read(entry)))
      case .untied:
        throw CheckpointError(
          .unsupported, "cannot load the optimizer of", path: path, object: entry.datasetPath,
          problem: "it cannot be tied to a variable of the model: positional, unproven",
          cure: "load the weights only")
      default: break
      }
    }
    return OptimizerState(
      configuration: configuration, iterations: summary.iterations ?? 0, slots: slots)
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
  func requireDType(path: String) throws(CheckpointError) -> DType {
    if let dtype { return dtype }
    throw CheckpointError(
      .unsupported, "cannot read", path: path, object: datasetPath,
      problem: "expected numbers, found elements of type \(storedType)")
  }
}

extension CheckpointError {
  /// What a failure of reading means to the user.
  static func reading(_ path: String, _ error: any Error) -> CheckpointError {
    switch error {
    case let error as CheckpointError: error
    case let error as HDF5Error:
      CheckpointError(
        .unreadable, "cannot read", path: path, object: error.object, problem: error.message,
        cause: error)
    default:
      CheckpointError(
        .unreadable, "cannot read", path: path, problem: String(describing: error), cause: error)
    }
  }
}
