import KerasConfiguration
import Tensors

// MARK: - Writing

extension WholeModelLayout {
  /// The plan of a whole-model file in Keras 2's dialect.
  ///
  /// - Throws: `unsupported` for another dialect, or a checkpoint without architecture.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> FilePlan {
    guard dialect == .keras2 else {
      throw CheckpointError(
        .unsupported, "cannot write", path: path,
        problem: "whole-model files are written for Keras 2, not for \(dialect)",
        cure: "write a .weights.h5 for \(dialect)")
    }
    let model = try checkpoint.requireModel(path: path)
    let version = dialect.writtenVersion
    var rootAttributes: [(name: String, value: AttributeValue)] = [
      ("keras_version", .utf8(version)), ("backend", .utf8("tensorflow")),
      ("model_config", .ascii(try model.text(in: dialect))),
    ]
    if let training = try checkpoint.trainingText(in: dialect) {
      rootAttributes.append(("training_config", .ascii(training)))
    }
    var plan = FilePlan()
    plan.groups.append(.init(path: "", attributes: rootAttributes))
    try plan.addWeights(of: checkpoint, model, version: version, path: path)
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(optimizer, of: checkpoint, dialect: dialect, path: path)
    }
    plan.addCairnGroup(checkpoint)
    return plan
  }

  /// Keras 2's name of a variable inside a file: `dense/kernel:0`.
  fileprivate static func storedName(_ variable: Variable) -> String {
    let own = CanonicalName.own(variable.name)
    return (variable.id.layer.names + [own]).joined(separator: "/") + ":0"
  }
}

extension FilePlan {
  fileprivate mutating func addWeights(
    of checkpoint: Checkpoint, _ model: ModelConfiguration, version: String, path: String
  ) throws {
    let weights = WholeModelLayout.weightsGroup
    let layers = model.savedLayers
    groups.append(
      .init(
        path: weights,
        attributes: [("backend", .ascii("tensorflow")), ("keras_version", .ascii(version))]
          + AttributeValue.nameList("layer_names", layers.map(\.name))))
    let byLayer = try checkpoint.variablesByLayer(layers, path: path)
    for layer in layers {
      // Trainable first, then the others, as Keras orders them at the time of saving.
      let variables = byLayer[layer.name] ?? []
      let isTrainable = variables.map { layer.trains($0.id) }
      let ordered =
        zip(variables, isTrainable).filter(\.1).map(\.0)
        + zip(variables, isTrainable).filter { !$0.1 }.map(\.0)
      addGroup("\(weights)/\(layer.name)", ordered)
    }
    addGroup("\(weights)/\(WholeModelLayout.ownVariablesGroup)", byLayer[""] ?? [])
  }

  private mutating func addGroup(_ path: String, _ variables: [Variable]) {
    let names = variables.map(WholeModelLayout.storedName)
    groups.append(
      .init(path: path, attributes: AttributeValue.nameList("weight_names", names)))
    for (name, variable) in zip(names, variables) {
      datasets.append(.init(path: "\(path)/\(name)", value: variable.value.portable))
    }
  }

  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, of checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws {
    let owners = Dictionary(checkpoint.variables.map { ($0.id, $0) }) { first, _ in first }
    let scope = optimizer.configuration.name(in: dialect)
    var named: [(name: String, value: Tensor)] = [
      ("iteration:0", Tensor(scalar: optimizer.iterations))
    ]
    for slot in optimizer.slots {
      guard let owner = owners[slot.owner] else {
        throw CheckpointError.orphan(slot, path: path)
      }
      named.append(
        ("\(scope)/\(slot.slot)/\(WholeModelLayout.storedName(owner))", slot.value.portable))
    }
    let group = WholeModelLayout.optimizerGroup
    groups.append(
      .init(path: group, attributes: AttributeValue.nameList("weight_names", named.map(\.name))))
    datasets += named.map { .init(path: "\(group)/\($0.name)", value: $0.value) }
  }
}
