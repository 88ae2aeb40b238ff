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
    try self.init(opening: path, architecture: nil, training: nil, verifying: verifying)
  }

  /// - Parameters:
  ///   - architecture: stands in where a weights file has none.
  ///   - training: likewise.
  private init(
    opening path: String, architecture: ModelConfiguration?, training: TrainingConfiguration?,
    verifying: Bool
  ) throws(CheckpointError) {
    (storage, manifest) = try Self.open(path, architecture, training, verifying)
    self.path = path
  }

  init(path: String, manifest: CheckpointManifest, storage: TensorStorage) {
    self.path = path
    self.manifest = manifest
    self.storage = storage
  }

  private static func open(
    _ path: String, _ architecture: ModelConfiguration?, _ training: TrainingConfiguration?,
    _ verifying: Bool
  ) throws(CheckpointError) -> (TensorStorage, CheckpointManifest) {
    do {
      let opened = try OpenCheckpoint(path, verifying: verifying)
      return (
        opened.storage, try opened.readManifest(architecture: architecture, training: training)
      )
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

// MARK: - Tensors

extension CheckpointReader {
  /// A whole tensor, in the file's dtype.
  ///
  /// - Throws: `damaged` when a digest of the file says that it is not what was written.
  public func read(_ entry: CheckpointEntry) throws(CheckpointError) -> Tensor {
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

  /// Some rows (along the first axis) of a tensor; a scalar is its only row. They are not verified,
  /// since digests cover blocks.
  public func read(
    _ entry: CheckpointEntry, rows: Range<Int>
  ) throws(CheckpointError) -> Tensor {
    guard entry.shape.rank > 0 else { return try read(entry) }
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
  public func sha256(of entry: CheckpointEntry) throws(CheckpointError) -> String {
    var digest = SHA256()
    var check = try check(of: entry)
    for rows in entry.slabs(ofAtMost: 4 << 20) {
      let tensor = try read(entry, rows: rows)
      try check.update(tensor)
      tensor.withUnsafeBytes { digest.update($0) }
    }
    return digest.finalize()
  }

  /// Where a tensor's bytes begin in its file, if they lie there in one piece and as they are in
  /// memory; nil otherwise.
  func byteOffset(of entry: CheckpointEntry) throws(CheckpointError) -> Int? {
    do {
      if case .plain(let tensors) = storage { return tensors.byteOffset(of: entry) }
      return try openRoot(of: entry).openDataset(entry.datasetPath).byteOffset
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// The root of the HDF5 file that holds an entry.
  private func openRoot(of entry: CheckpointEntry) throws -> HDF5Group {
    guard let open = storage.file(of: entry) else {
      preconditionFailure("\(entry.datasetPath) is no entry of this checkpoint")
    }
    return try open.file.root()
  }
}

// MARK: - The whole checkpoint

extension CheckpointReader {
  /// Everything in the file as one value.
  ///
  /// - Parameter includingOptimizer: false for the model alone, whatever the state of its optimizer.
  /// - Throws: `unsupported` when an optimizer variable cannot be tied to its owner, or the
  ///   configuration of the optimizer is missing or of a class that Cairn does not train with.
  public func load(
    includingOptimizer: Bool = true
  ) throws(CheckpointError) -> Checkpoint {
    var variables: [Variable] = []
    for entry in manifest.entries {
      guard case .weight(let id) = entry.role else { continue }
      variables.append(Variable(id: id, name: entry.name, value: try read(entry)))
    }
    return Checkpoint(
      model: manifest.model, variables: variables, training: manifest.training,
      optimizer: includingOptimizer ? try loadOptimizer() : nil, resumption: manifest.resumption)
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
