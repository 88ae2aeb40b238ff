import KerasConfiguration
import Tensors

extension FilePlan {
  /// What the layout of `profile` makes of a checkpoint.
  ///
  /// - Throws: `unsupported` when it cannot hold it; `path` is for the message only.
  init(
    of checkpoint: Checkpoint, profile: Profile, path: String
  ) throws(CheckpointError) {
    do {
      switch profile.layout {
      case .wholeModel:
        self = try WholeModelLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .legacyWeights:
        self = try LegacyWeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .weights:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .archive:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
        wrapping = .archive(
          try ArchiveLayout.documents(of: checkpoint, dialect: profile.dialect, path: path))
      case .directory:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
        wrapping = .folder(
          try ArchiveLayout.documents(of: checkpoint, dialect: profile.dialect, path: path))
      case .sharded:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
        wrapping = .shards(maximumByteCount: ShardedLayout.defaultShardByteCount)
      case .safetensors, .npz:
        throw CheckpointError(
          .unsupported, "cannot write", path: path,
          problem: "\(profile.layout.rawValue) is no layout of Keras",
          cure: "save the checkpoint in one, and export that")
      }
      digests = .crc32c
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(
        .unsupported, "cannot write", path: path, problem: String(describing: error), cause: error)
    }
  }
}

extension Checkpoint {
  func requireModel(path: String) throws(CheckpointError) -> ModelConfiguration {
    if let model { return model }
    throw CheckpointError(
      .unsupported, "cannot write", path: path,
      problem: "the checkpoint has no architecture, from which the layout takes names and order",
      cure: "restore it into a checkpoint that has one")
  }

  /// The values of the variables that the architecture implies.
  ///
  /// - Throws: `inconsistent` unless the checkpoint has exactly these variables.
  func valuesByID(
    of implied: [ModelVariable], path: String
  ) throws(CheckpointError) -> [VariableID: Tensor] {
    let values = Dictionary(variables.map { ($0.id, $0.value) }) { first, _ in first }
    if let missing = implied.first(where: { values[$0.id] == nil }) {
      throw CheckpointError(
        .inconsistent, "cannot write", path: path, object: missing.name,
        problem: "the architecture has this variable, the checkpoint does not")
    }
    let known = Set(implied.map(\.id))
    if let surplus = variables.first(where: { !known.contains($0.id) }) {
      throw CheckpointError(
        .inconsistent, "cannot write", path: path, object: surplus.name,
        problem: "the checkpoint has this variable, the architecture does not")
    }
    return values
  }

  /// The `training_config` that a file of `dialect` holds: the loss and metrics as they were given, the
  /// optimizer with the rate in force. Nil when the checkpoint was never compiled.
  func trainingText(in dialect: Dialect) throws(ConfigurationError) -> String? {
    guard var training else { return nil }
    if let optimizer {
      training.optimizer = try optimizer.configuration.entry(for: dialect, in: .attribute)
    }
    return try training.json(for: dialect, in: .attribute).text
  }

  /// The configurations for Cairn's own group: in the words in which they came, since no Keras reads
  /// them there.
  func texts(_ model: ModelConfiguration) throws(ConfigurationError) -> [(
    name: String, value: String
  )] {
    var texts = [
      (name: "model_config", value: model.json.text),
      (name: "model_config_dialect", value: model.dialect.rawValue),
    ]
    if let training, let text = try trainingText(in: training.dialect) {
      texts += [
        ("training_config", text), ("training_config_dialect", training.dialect.rawValue),
      ]
    }
    return texts
  }
}

extension Tensor {
  /// The tensor in a dtype that every Keras reads back: bfloat16 becomes float32, which loses nothing
  /// and which Keras converts to the variable's dtype.
  var portable: Tensor { dtype == .bfloat16 ? converted(to: .float32) : self }
}
