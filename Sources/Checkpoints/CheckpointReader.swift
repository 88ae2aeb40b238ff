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
  /// - Throws: `unreadable` for what is no readable file of these kinds, `unrecognized` for one without
  ///   a Keras layout, `inconsistent` where its parts contradict each other.
  public init(opening path: String) throws(CheckpointError) {
    let opened: OpenCheckpoint
    let manifest: CheckpointManifest
    do {
      opened = try OpenCheckpoint(path)
      manifest = try opened.readManifest()
    } catch {
      throw CheckpointError.reading(path, error)
    }
    self.init(path: path, manifest: manifest, storage: opened.storage)
  }

  init(path: String, manifest: CheckpointManifest, storage: TensorStorage) {
    self.path = path
    self.manifest = manifest
    self.storage = storage
  }
}

// MARK: - Tensors

extension CheckpointReader {
  /// A whole tensor, in the file's dtype.
  public func read(_ entry: CheckpointEntry) throws(CheckpointError) -> Tensor {
    do {
      if case .plain(let tensors) = storage { return try tensors.read(entry, rows: nil) }
      let dataset = try openRoot(of: entry).openDataset(entry.datasetPath)
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
    for rows in entry.slabs(ofAtMost: 4 << 20) {
      try read(entry, rows: rows).withUnsafeBytes { digest.update($0) }
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
    var checkpoint = Checkpoint(
      model: manifest.model, variables: variables, training: manifest.training,
      optimizer: includingOptimizer ? try loadOptimizer() : nil, resumption: manifest.resumption)
    checkpoint.frozen = manifest.frozen
    checkpoint.original = manifest.original
    return checkpoint
  }

  /// Nil when the file holds no optimizer.
  private func loadOptimizer() throws(CheckpointError) -> OptimizerState? {
    guard let summary = manifest.optimizer else { return nil }
    guard let entry = summary.entry else {
      throw CheckpointError(
        .unsupported, "cannot load the optimizer of", path: path,
        object: "configuration", expected: "one for the optimizer whose state is there",
        found: "none",
        cure: "load the weights only, or restore into a checkpoint that has the configuration")
    }
    var configuration: OptimizerConfiguration
    do {
      configuration = try entry.decoded()
    } catch {
      throw CheckpointError(
        .unsupported, "cannot load the optimizer of", path: path, object: "configuration",
        expected: "an optimizer that Cairn has", found: error.description,
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
          expected: "a slot whose variable is proven",
          found: "one that cannot be tied to a variable of the model: positional, unproven",
          cure: "load the weights only")
      default: break
      }
    }
    return OptimizerState(
      configuration: configuration, iterations: summary.iterations ?? 0, slots: slots,
      lossScale: try loadLossScale())
  }

  /// Nil unless all four numbers are there.
  private func loadLossScale() throws(CheckpointError) -> LossScaleState? {
    var numbers: [String: Double] = [:]
    for entry in manifest.entries where entry.role == .lossScale && entry.shape.elementCount == 1 {
      numbers[entry.name] = try read(entry).converted(to: .float64).elements(of: Double.self)[0]
    }
    func number(_ name: String) -> Double? { numbers[LossScaleState.entryName(name)] }
    guard let iterations = number("iteration"), let rate = number("learning_rate"),
      let steps = number("step_counter"), let scale = number("dynamic_scale")
    else { return nil }
    return LossScaleState(
      iterations: Int64(iterations), learningRate: Float(rate), stepCounter: Int64(steps),
      scale: Float(scale))
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
      expected: "numbers", found: "elements of type \(storedType)",
      cure: "leave it out: no tensor holds them")
  }
}

extension CheckpointError {
  /// What a failure of reading means to the user.
  static func reading(_ path: String, _ error: any Error) -> CheckpointError {
    switch error {
    case let error as CheckpointError: error
    case let error as HDF5Error:
      CheckpointError(
        .unreadable, "cannot read", path: path, object: error.object,
        expected: error.object == nil
          ? "an HDF5 file or another checkpoint" : "it whole and readable",
        found: error.message, cause: error)
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
}
