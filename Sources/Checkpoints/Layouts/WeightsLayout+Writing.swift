import KerasConfiguration
import Tensors

// MARK: - Writing

extension WeightsLayout {
  /// The plan of a weights file in Keras 3's dialect, architecture and configuration in Cairn's group.
  ///
  /// - Throws: `unsupported` for another dialect, or a checkpoint without architecture.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> FilePlan {
    guard dialect == .keras3 else {
      throw CheckpointError(
        .unsupported, "cannot write", path: path,
        problem: "weights files are written for Keras 3, not for \(dialect)",
        cure: "write a whole-model .h5 for \(dialect)")
    }
    let model = try checkpoint.requireModel(path: path)
    var plan = FilePlan()
    try plan.addLayers(of: checkpoint, model, dialect: dialect, path: path)
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(optimizer, dialect: dialect, path: path)
    }
    plan.groups.append(.init(path: variables, attributes: [("name", .utf8(model.name))]))
    var texts = [(name: "model_config", value: try model.json(for: dialect, in: .attribute).text)]
    if let training = try checkpoint.trainingText(in: dialect) {
      texts.append(("training_config", training))
    }
    plan.addCairnGroup(checkpoint, texts: texts)
    return plan
  }
}

extension FilePlan {
  fileprivate mutating func addLayers(
    of checkpoint: Checkpoint, _ model: ModelConfiguration, dialect: Dialect, path: String
  ) throws {
    for place in try model.places(in: dialect) {
      groups.append(
        .init(
          path: "\(place.group)/\(WeightsLayout.variables)",
          attributes: [("name", .utf8(place.path.names.last ?? model.name))]))
    }
    let variables = try model.variables(in: dialect)
    let values = try checkpoint.valuesByID(of: variables, path: path)
    datasets += variables.map { .init(path: $0.dataset, value: values[$0.id]!.portable) }
  }

  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, dialect: Dialect, path: String
  ) throws {
    let group = "\(WeightsLayout.optimizerGroup)/\(WeightsLayout.variables)"
    groups.append(
      .init(
        path: group, attributes: [("name", .utf8(optimizer.configuration.name(in: dialect)))]))
    var values = [Tensor(scalar: optimizer.iterations)]
    // Under a schedule Keras 3 stores no rate.
    if case .constant(let rate) = optimizer.configuration.learningRate {
      values.append(Tensor(scalar: Float(rate)))
    }
    values += try optimizer.savedSlots(in: dialect, path: path).map(\.value.portable)
    for (index, value) in values.enumerated() {
      datasets.append(.init(path: "\(group)/\(index)", value: value))
    }
  }
}
