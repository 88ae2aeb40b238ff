import KerasConfiguration
import Tensors

// MARK: - Writing

extension WholeModelLayout {
  /// The plan of a whole-model file.
  ///
  /// - Throws: `unsupported` for a checkpoint without architecture, a `ConfigurationError` for one that
  ///   the dialect cannot spell.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> FilePlan {
    let model = try checkpoint.requireModel(path: path)
    var rootAttributes: [(name: String, value: AttributeValue)] = [
      ("keras_version", .utf8(dialect.writtenVersion)), ("backend", .utf8("tensorflow")),
      ("model_config", .ascii(try model.text(for: dialect, in: .attribute))),
    ]
    if let training = try checkpoint.trainingText(in: dialect) {
      rootAttributes.append(("training_config", .ascii(training)))
    }
    var plan = FilePlan()
    plan.groups.append(.init(path: "", attributes: rootAttributes))
    try plan.addWeights(of: checkpoint, model, in: weightsGroup, dialect: dialect, path: path)
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(optimizer, model, dialect: dialect, path: path)
    }
    try plan.addCairnGroup(checkpoint)
    return plan
  }
}

extension FilePlan {
  /// Adds the groups of the layers below `group`, `""` being the root, with their names in attributes:
  /// what whole-model files and weights-only files have in common.
  ///
  /// - Parameter frozen: variables that stand at the end of their layer although the architecture does not
  ///   say that they are frozen. Keras goes by order alone, so that weights for a model made by code need
  ///   it, while a whole model must be in the order of the model that its own configuration makes.
  /// - Throws: `unsupported` for a layer that has the name of the model's own group, as in Keras.
  mutating func addWeights(
    of checkpoint: Checkpoint, _ model: ModelConfiguration, frozen: Set<VariableID> = [],
    in group: String, dialect: Dialect, path: String
  ) throws {
    let names = WholeModelNames(model, dialect: dialect)
    let layers = try model.weightsByLayer(in: dialect, frozen: frozen)
    let attributes: [(name: String, value: AttributeValue)] =
      [
        ("backend", .ascii("tensorflow")), ("keras_version", .ascii(dialect.writtenVersion)),
      ] + AttributeValue.nameList("layer_names", layers.map(\.layer))
    groups.append(.init(path: group, attributes: attributes))
    let values = try checkpoint.valuesByID(of: layers.flatMap(\.variables), path: path)
    let prefix = group.isEmpty ? "" : "\(group)/"
    let own = "\(prefix)\(WholeModelLayout.ownVariablesGroup)"
    guard !layers.contains(where: { $0.layer == WholeModelLayout.ownVariablesGroup }) else {
      throw CheckpointError(
        .unsupported, "cannot write", path: path, object: own,
        expected: "a name that the layout does not use itself", found: "a layer that has it",
        cure: "rename the layer, or take another layout")
    }
    for (layer, variables) in layers {
      let stored = variables.map(names.weight)
      groups.append(
        .init(
          path: "\(prefix)\(layer)", attributes: AttributeValue.nameList("weight_names", stored)))
      for (name, variable) in zip(stored, variables) {
        datasets.append(
          .init(path: "\(prefix)\(layer)/\(name)", value: values[variable.id]!))
      }
    }
    groups.append(
      .init(
        path: own,
        attributes: AttributeValue.nameList("weight_names", [])))
  }

  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, _ model: ModelConfiguration, dialect: Dialect, path: String
  ) throws {
    let names = WholeModelNames(model, dialect: dialect)
    let scope = optimizer.configuration.name(in: dialect)
    var named: [(name: String, value: Tensor)] = []
    var slotScope = scope
    if dialect == .keras3, let lossScale = optimizer.lossScale {
      let own = zip(LossScaleState.names, lossScale.values)
      named += own.map { ("\(LossScaleState.optimizerName)/\($0)", $1) }
      slotScope = "\(LossScaleState.optimizerName)/\(scope)"
    }
    named.append((names.iteration(scope), Tensor(scalar: optimizer.iterations)))
    if dialect == .keras3, let rate = optimizer.rateVariable {
      named.append(("\(scope)/learning_rate", rate))
    }
    for saved in try optimizer.slotsInKerasOrder(model, dialect: dialect, path: path) {
      let name = names.slot(saved.slot.storedName, of: saved.owner, slotScope)
      named.append((name, saved.value))
    }
    let group = WholeModelLayout.optimizerGroup
    groups.append(
      .init(path: group, attributes: AttributeValue.nameList("weight_names", named.map(\.name))))
    datasets += named.map { .init(path: "\(group)/\($0.name)", value: $0.value) }
  }
}

/// The names of variables in whole-model files. No loader derives anything from them; they are spelled
/// as each Keras does, for the eyes of people and the ties of readers.
private struct WholeModelNames {
  private let dialect: Dialect
  /// Keras 3 begins paths with the model's name, except in Functional models.
  private let prefix: [String]

  init(_ model: ModelConfiguration, dialect: Dialect) {
    self.dialect = dialect
    prefix = dialect == .keras3 && model.calls != .graph ? [model.name] : []
  }

  /// `dense/kernel:0`; in Keras 3 `sequential/dense/kernel`.
  func weight(_ variable: ModelVariable) -> String {
    dialect == .keras3 ? path(variable) : "\(path(variable)):0"
  }

  private func path(_ variable: ModelVariable) -> String {
    let keras2Name = dialect == .keras3 ? nil : variable.schema.keras2Name
    return
      (prefix + variable.id.layer.names + [
        variable.schema.storedName ?? keras2Name ?? variable.schema.name
      ])
      .joined(separator: "/")
  }

  func iteration(_ scope: String) -> String {
    dialect == .keras3 ? "\(scope)/iteration" : "iteration:0"
  }

  /// `Adagrad/accumulator/dense/kernel:0`; in Keras 3 `adagrad/sequential_dense_kernel_accumulator`.
  func slot(_ slot: String, of owner: ModelVariable, _ scope: String) -> String {
    if dialect != .keras3 { return "\(scope)/\(slot)/\(weight(owner))" }
    return "\(scope)/\(String(path(owner).map { $0 == "/" ? "_" : $0 }))_\(slot)"
  }
}
