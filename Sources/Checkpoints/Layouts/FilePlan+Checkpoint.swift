import KerasConfiguration
import Tensors

extension FilePlan {
  /// What the layout of `profile` makes of a checkpoint.
  ///
  /// - Throws: `unsupported` when it cannot hold it; `path` is for the message only.
  init(
    of checkpoint: Checkpoint, profile: Profile, bfloat16: BFloat16Storage = .float32, path: String
  ) throws(CheckpointError) {
    try bfloat16.requireReadable(in: profile, path: path)
    let checkpoint = checkpoint.inOriginalWords(for: profile).storing(bfloat16: bfloat16)
    do {
      switch profile.layout {
      case .wholeModel:
        self = try WholeModelLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .legacyWeights:
        self = try LegacyWeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .weights:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
      case .archive:
        self = try WeightsLayout.plan(
          checkpoint, dialect: profile.dialect, isRebuilt: true, path: path)
        wrapping = .archive(
          try ArchiveLayout.documents(of: checkpoint, dialect: profile.dialect, path: path))
      case .directory:
        self = try WeightsLayout.plan(
          checkpoint, dialect: profile.dialect, isRebuilt: true, path: path)
        wrapping = .folder(
          try ArchiveLayout.documents(of: checkpoint, dialect: profile.dialect, path: path))
      case .sharded:
        self = try WeightsLayout.plan(checkpoint, dialect: profile.dialect, path: path)
        wrapping = .shards(maximumByteCount: ShardedLayout.defaultShardByteCount)
      case .safetensors, .npz:
        throw CheckpointError(
          .unsupported, "cannot write", path: path,
          expected: "a layout of Keras", found: profile.layout.rawValue,
          cure: "save the checkpoint in one, and export that")
      }
      digests = .crc32c
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(
        .unsupported, "cannot write", path: path, object: "configuration",
        expected: "one that \(profile.name) can spell", found: String(describing: error),
        cure: Self.cure(for: profile), cause: error)
    }
  }
}

extension FilePlan {
  /// What helps where a configuration cannot be spelled for a profile.
  private static func cure(for profile: Profile) -> String {
    switch profile.layout {
    case .wholeModel, .archive, .directory:
      "choose a layout of weights alone, such as \(Profile(dialect: profile.dialect, layout: .weights).name)"
    case .legacyWeights, .weights, .sharded, .safetensors, .npz:
      "restore its tensors by name into a file that \(profile.dialect) wrote"
    }
  }
}

extension Checkpoint {
  func requireModel(path: String) throws(CheckpointError) -> ModelConfiguration {
    if let model { return model }
    throw CheckpointError(
      .unsupported, "cannot write", path: path,
      object: "configuration",
      expected: "an architecture, from which the layout takes names and order",
      found: "none",
      cure: "restore it into a checkpoint that has one")
  }

  /// The values of the variables that the architecture implies, in its order.
  ///
  /// - Throws: as ``valuesByID(of:path:)``.
  func values(of implied: [ModelVariable], path: String) throws(CheckpointError) -> [Tensor] {
    if implied.elementsEqual(variables, by: { $0.id == $1.id }) { return variables.map(\.value) }
    let values = try valuesByID(of: implied, path: path)
    return implied.map { values[$0.id]! }
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
        expected: "this variable of the architecture", found: "none in the checkpoint",
        cure: "take the architecture and the variables from one file")
    }
    let known = Set(implied.map(\.id))
    if let surplus = variables.first(where: { !known.contains($0.id) }) {
      throw CheckpointError(
        .inconsistent, "cannot write", path: path, object: surplus.name,
        expected: "variables of the architecture only", found: "one that it does not have",
        cure: "take the architecture and the variables from one file")
    }
    return values
  }

  /// The `training_config` that a file of `dialect` holds: the loss and metrics as they were given, the
  /// optimizer with the rate in force. Nil when the checkpoint was never compiled.
  func trainingText(in dialect: Dialect) throws(ConfigurationError) -> String? {
    try compiled(for: dialect, in: .attribute)?.json(for: dialect, in: .attribute).text
  }

  /// The configurations for Cairn's own group: in the words in which they came, since no Keras reads
  /// them there.
  func texts(_ model: ModelConfiguration) throws(ConfigurationError) -> [(
    name: String, value: String
  )] {
    let words = try training.map { training throws(ConfigurationError) in
      try compiled(for: training.dialect, in: training.container(for: optimizer))
    }
    let known = model.customLayers.filter(\.value.isTrainingKnown)
    return try Self.texts(model, words ?? nil)
      + (known.isEmpty ? [] : [("custom_layers", CairnGroup.text(known))])
  }

  /// The attributes of Cairn's group that hold these, each with its dialect.
  static func texts(
    _ model: ModelConfiguration, _ training: TrainingConfiguration?
  ) throws(ConfigurationError) -> [(name: String, value: String)] {
    var texts = [
      (name: "model_config", value: model.text),
      (name: "model_config_dialect", value: model.dialect.rawValue),
    ]
    if let training {
      let json = try training.json(for: training.dialect, in: training.container())
      texts += [
        ("training_config", json.text), ("training_config_dialect", training.dialect.rawValue),
      ]
    }
    return texts
  }
}

extension Checkpoint {
  /// ``training`` with the optimizer as it is now, in the spelling of `dialect` for a place of the kind
  /// `container`; nil for a checkpoint that was never compiled.
  func compiled(
    for dialect: Dialect, in container: ConfigurationContainer
  ) throws(ConfigurationError) -> TrainingConfiguration? {
    guard var training, let optimizer else { return training }
    let scaling = training.optimizer?.lossScaling ?? LossScaling()
    let json =
      optimizer.lossScale != nil && spellsLossScaling(scaling, for: dialect, in: container)
      ? try optimizer.configuration.jsonScalingLoss(as: scaling, for: dialect, in: container)
      : try optimizer.configuration.json(for: dialect, in: container)
    training.optimizer = OptimizerEntry(json: json, dialect: dialect)
    return training
  }

  /// Whether the wrapper that scales the loss stands in the configuration, or is left to Keras, which
  /// puts one around the optimizer of a model of mixed precision as long as that policy is the global one.
  ///
  /// In its own words the checkpoint has it as it came. Keras 3 restores an optimizer's state only if the
  /// optimizer is wrapped as it was. Keras 2 restores none from a whole-model file with a wrapper, and all
  /// without. Its archives say what the model was compiled with: the wrapper or, where Keras puts that around
  /// by itself, the optimizer alone.
  private func spellsLossScaling(
    _ scaling: LossScaling, for dialect: Dialect, in container: ConfigurationContainer
  ) -> Bool {
    if let training, let words = training.optimizer, training.dialect == dialect,
      training.container() == container
    {
      return words.inner != nil
    }
    if dialect == .keras3 { return true }
    // Keras 2.12 fails on some of its own archives with a wrapper, and wraps by itself under the policy.
    if container == .document, dialect == .tfKeras { return training?.optimizer?.inner != nil }
    return scaling != LossScaling()
  }
}

extension TrainingConfiguration {
  /// The container whose spelling the values have, where another would not know all of them: only
  /// documents name the modules of classes and functions.
  func container(for optimizer: OptimizerState? = nil) -> ConfigurationContainer {
    // Documents hold no legacy optimizers, whichever way the loss is spelled.
    if optimizer?.configuration.arithmetic == .kerasLegacy, dialect != .keras3 { return .attribute }
    let values = [loss, metrics, weightedMetrics] + (self.optimizer.map { [$0.json] } ?? [])
    return values.contains(where: { $0.namesModule }) ? .document : .attribute
  }
}

extension JSONValue {
  /// Whether it, or one of its elements, is an object that names the module of its class.
  fileprivate var namesModule: Bool {
    self["module"] != nil || array?.contains { $0.namesModule } == true
  }
}
