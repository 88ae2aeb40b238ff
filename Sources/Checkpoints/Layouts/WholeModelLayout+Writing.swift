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
      ("model_config", .ascii(try model.json(for: dialect, in: .attribute).text)),
    ]
    if let training = try checkpoint.trainingText(in: dialect) {
      rootAttributes.append(("training_config", .ascii(training)))
    }
    var plan = FilePlan()
    plan.groups.append(.init(path: "", attributes: rootAttributes))
    try plan.addWeights(of: checkpoint, model, version: version, path: path)
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(optimizer, model, dialect: dialect, path: path)
    }
    plan.addCairnGroup(checkpoint)
    return plan
  }

  /// Keras 2's name of a variable inside a file: `dense/kernel:0`.
  fileprivate static func storedName(_ variable: ModelVariable) -> String {
    let own = variable.schema.keras2Name ?? variable.schema.name
    return (variable.id.layer.names + [own]).joined(separator: "/") + ":0"
  }
}

extension FilePlan {
  fileprivate mutating func addWeights(
    of checkpoint: Checkpoint, _ model: ModelConfiguration, version: String, path: String
  ) throws {
    let weights = WholeModelLayout.weightsGroup
    let layers = try model.weightsByLayer()
    groups.append(
      .init(
        path: weights,
        attributes: [("backend", .ascii("tensorflow")), ("keras_version", .ascii(version))]
          + AttributeValue.nameList("layer_names", layers.map(\.layer))))
    let values = try checkpoint.valuesByID(of: layers.flatMap(\.variables), path: path)
    for (layer, variables) in layers {
      let group = "\(weights)/\(layer)"
      let names = variables.map(WholeModelLayout.storedName)
      groups.append(
        .init(path: group, attributes: AttributeValue.nameList("weight_names", names)))
      for (name, variable) in zip(names, variables) {
        datasets.append(.init(path: "\(group)/\(name)", value: values[variable.id]!.portable))
      }
    }
    groups.append(
      .init(
        path: "\(weights)/\(WholeModelLayout.ownVariablesGroup)",
        attributes: AttributeValue.nameList("weight_names", [])))
  }

  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, _ model: ModelConfiguration, dialect: Dialect, path: String
  ) throws {
    let variables = try model.variables(in: dialect)
    let owners = Dictionary(variables.map { ($0.id, $0) }) { first, _ in first }
    let scope = optimizer.configuration.name(in: dialect)
    var named: [(name: String, value: Tensor)] = [
      ("iteration:0", Tensor(scalar: optimizer.iterations))
    ]
    for saved in try optimizer.savedSlots(in: dialect, path: path) {
      guard let owner = owners[saved.owner] else {
        throw CheckpointError.orphan(saved.slot.name, saved.owner, path: path)
      }
      let variable = WholeModelLayout.storedName(owner)
      named.append(("\(scope)/\(saved.slot.storedName)/\(variable)", saved.value.portable))
    }
    let group = WholeModelLayout.optimizerGroup
    groups.append(
      .init(path: group, attributes: AttributeValue.nameList("weight_names", named.map(\.name))))
    datasets += named.map { .init(path: "\(group)/\($0.name)", value: $0.value) }
  }
}
