public import KerasConfiguration
public import Tensors

/// All that a checkpoint file says, except the tensors' elements.
public struct CheckpointManifest: Sendable {
  public var layout: Layout
  public var dialect: Dialect
  /// As the file has it; nil when it names none. In files of Cairn, the release whose files they are
  /// like.
  public var kerasVersion: String?
  /// Whether Cairn wrote the file: it has Cairn's own group.
  public var isFromCairn = false
  /// Model variables first, in the model's order where the file tells it, then the optimizer's, then
  /// the rest.
  public var entries: [CheckpointEntry]
  /// Nil when the file has no optimizer state and no optimizer configuration.
  public var optimizer: OptimizerSummary?
  /// The architecture, where the file holds it.
  public var model: ModelConfiguration?
  /// Loss, metrics and optimizer, where the file holds them.
  public var training: TrainingConfiguration?
  /// What Cairn needs to go on with an interrupted run; only in files that Cairn wrote.
  public var resumption: ResumptionRecord?
  /// Which copy of the weights the variables are; nil in files that do not say, as those of Keras.
  public var weights: WeightsCopy?
  /// What the ``CheckpointStore`` that wrote the file says about it; nil in other files.
  public var storeRecord: StoreRecord?
  /// What a reader should know about this file: traps of the Keras that wrote it, ties that cannot be
  /// proven.
  public var notes: [String]
  /// Variables that were frozen when the file was saved, by the order in which it keeps them, although
  /// its architecture does not say so: Keras 2 forgets that one direction of a Bidirectional is frozen.
  public var frozen: Set<VariableID> = []
  /// Layers of unknown classes of which the slots alone prove which of their variables are trained.
  var layersProvenBySlots: [LayerPath] = []
  /// How they prove it.
  var selection: SlotTies.Selection?
  /// In a converted file: the configurations as the file spelled them from which it was converted.
  public var original: OriginalWords?
  /// A note on what stands in from another checkpoint; nil when all that is said here is the file's own.
  public var borrowing: String?
}

/// The optimizer of a checkpoint.
public struct OptimizerSummary: Sendable {
  /// Keras's class name, such as `Adagrad`; nil when the file does not say.
  public var className: String?
  /// Its configuration as it stands in the file, whatever the class; nil when the file has none.
  public var entry: OptimizerEntry?
  /// Whether it stands inside another that scales the loss, as its configuration or the file's tree says.
  public var scalesLoss = false
  /// Whose formulas the state belongs to, where the file records it; otherwise the configuration's
  /// generation tells.
  public var recordedArithmetic: Arithmetic?
  /// Updates applied so far; nil when not stored.
  public var iterations: Int64?
  /// The rate in force: the stored variable, else the configured constant; nil for a schedule.
  public var learningRate: Double?
}

/// Cairn's own record in a checkpoint, where Keras does not look: a JSON text and arrays whose meaning
/// belongs to whoever resumes (the `Training` module).
public struct ResumptionRecord: Sendable {
  public var json: JSONValue
  /// Named arrays, in order; saved below the record's group.
  public var arrays: [(name: String, value: Tensor)]

  public init(json: JSONValue, arrays: [(name: String, value: Tensor)]) {
    self.json = json
    self.arrays = arrays
  }
}

extension CheckpointManifest {
  /// The entry of a canonical name; nil when there is none or more than one.
  public func entry(named name: String) -> CheckpointEntry? {
    let found = entries.filter { $0.name == name }
    return found.count == 1 ? found[0] : nil
  }

  /// The slots of each variable, in the file's order.
  public var slotsByOwner: [VariableID: [CheckpointEntry]] {
    var slots: [VariableID: [CheckpointEntry]] = [:]
    for entry in entries {
      if case .slot(_, let owner, _) = entry.role { slots[owner, default: []].append(entry) }
    }
    return slots
  }
}
