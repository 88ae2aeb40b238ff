import KerasConfiguration
import Tensors

extension CheckpointReader {
  /// Everything in the file as one value.
  ///
  /// - Parameter includingOptimizer: false for the model alone, whatever the state of its optimizer.
  /// - Throws: `damaged` when a digest of the file says that a tensor is not what was written,
  ///   `unsupported` when an optimizer variable cannot be tied to its owner, or the
  ///   configuration of the optimizer is missing or of a class that Cairn does not train with.
  public func load(
    includingOptimizer: Bool = true
  ) throws(CheckpointError) -> Checkpoint {
    var checkpoint = Checkpoint(model: nil, variables: [])
    try load(into: &checkpoint, includingOptimizer: includingOptimizer)
    return checkpoint
  }

  /// As ``load(includingOptimizer:)``, but into the memory of the tensors that `checkpoint` has already:
  /// for the same variables of the same model that is several times as fast as into new memory. Only
  /// the memory is taken over; nothing of the value stays.
  ///
  /// A tensor that another value shares, or of another shape or dtype, gets new memory.
  ///
  /// - Throws: as `load`, before anything changes. If the file then fails to give its bytes,
  ///   `unreadable` or `damaged`; `checkpoint` has no tensors then, rather than half of them.
  public func load(
    into checkpoint: inout Checkpoint, includingOptimizer: Bool = true
  ) throws(CheckpointError) {
    let weights = manifest.entries.compactMap { entry in
      if case .weight(let id) = entry.role { (id: id, entry: entry) } else { nil }
    }
    var optimizer = includingOptimizer ? try optimizerWithoutTensors() : nil
    let slots = optimizer?.entries ?? []
    let entries = weights.map(\.entry) + slots.map(\.entry)
    for entry in entries { _ = try entry.requireDType(path: path) }

    var memory = RecycledTensors(of: &checkpoint)
    var tensors = weights.map { memory.take($0.entry, of: $0.id, slot: nil) }
    tensors += slots.map { memory.take($0.entry, of: $0.owner, slot: $0.slot) }
    try read(entries, into: &tensors)

    checkpoint.model = manifest.model
    checkpoint.training = manifest.training
    checkpoint.resumption = manifest.resumption
    checkpoint.weights = manifest.weights ?? .live
    checkpoint.frozen = manifest.frozen
    checkpoint.original = manifest.original
    checkpoint.variables = zip(weights, tensors).map {
      Variable(id: $0.id, name: $0.entry.name, value: $1)
    }
    optimizer?.state.slots = zip(slots, tensors.dropFirst(weights.count)).map {
      SlotVariable(slot: $0.slot, owner: $0.owner, value: $1)
    }
    checkpoint.optimizer = optimizer?.state
  }

  /// Why ``load(includingOptimizer:)`` cannot have the optimizer, though all else; nil where it can, or where
  /// the file itself is at fault.
  func obstacleToOptimizer() -> CheckpointError? {
    do throws(CheckpointError) {
      _ = try optimizerWithoutTensors()
      return nil
    } catch {
      return error.kind == .unsupported ? error : nil
    }
  }

  /// An optimizer whose slots are still to be read.
  private struct PendingOptimizer {
    var state: OptimizerState
    let entries: [(slot: String, owner: VariableID, entry: CheckpointEntry)]
  }

  /// Nil when the file holds no optimizer.
  private func optimizerWithoutTensors() throws(CheckpointError) -> PendingOptimizer? {
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
      configuration = try (entry.inner ?? entry).decoded()
    } catch {
      throw CheckpointError(
        .unsupported, "cannot load the optimizer of", path: path, object: "configuration",
        expected: "an optimizer that Cairn has", found: error.description,
        cure: "load the weights only", cause: error)
    }
    if let arithmetic = summary.recordedArithmetic { configuration.arithmetic = arithmetic }
    // Keras 3 restores a stored rate over the configured one.
    if let rate = summary.learningRate { configuration.learningRate = .constant(rate) }
    var slots: [(slot: String, owner: VariableID, entry: CheckpointEntry)] = []
    for entry in manifest.entries {
      switch entry.role {
      case .slot(let slot, let owner, _):
        slots.append((slot, owner, entry))
      case .untied:
        throw CheckpointError(
          .unsupported, "cannot load the optimizer of", path: path, object: entry.datasetPath,
          expected: "a slot whose variable is proven",
          found: "one that cannot be tied to a variable of the model: positional, unproven",
          cure: "load the weights only")
      default: break
      }
    }
    return PendingOptimizer(
      state: OptimizerState(
        configuration: configuration, iterations: summary.iterations ?? 0, slots: [],
        lossScale: try loadLossScale()
          ?? (summary.scalesLoss ? LossScaleState(startingAs: entry.lossScaling) : nil)),
      entries: slots)
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

/// The tensors of a checkpoint that is to be overwritten, each to be taken once.
private struct RecycledTensors {
  private struct Place: Hashable {
    let owner: VariableID
    /// Nil for the variable itself.
    let slot: String?
  }

  private var tensors: [Place: Tensor] = [:]

  /// Takes the tensors away, so that nobody shares them.
  init(of checkpoint: inout Checkpoint) {
    for variable in checkpoint.variables {
      tensors[Place(owner: variable.id, slot: nil)] = variable.value
    }
    for slot in checkpoint.optimizer?.slots ?? [] {
      tensors[Place(owner: slot.owner, slot: slot.slot)] = slot.value
    }
    checkpoint.variables = []
    checkpoint.optimizer = nil
  }

  /// A tensor of an entry's shape and dtype, whose elements may be anything.
  mutating func take(
    _ entry: CheckpointEntry, of owner: VariableID, slot: String?
  ) -> Tensor {
    if let tensor = tensors.removeValue(forKey: Place(owner: owner, slot: slot)),
      tensor.shape == entry.shape, tensor.dtype == entry.dtype
    {
      return tensor
    }
    return entry.uninitializedTensor
  }
}
