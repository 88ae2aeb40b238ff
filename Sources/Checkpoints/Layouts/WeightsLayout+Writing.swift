import KerasConfiguration
import Tensors

// MARK: - Writing

extension WeightsLayout {
  /// The plan of a weights file; architecture and configuration stand in Cairn's group, where Keras does
  /// not look.
  ///
  /// - Throws: `unsupported` for a checkpoint without architecture.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> FilePlan {
    let model = try checkpoint.requireModel(path: path)
    var plan = FilePlan()
    for place in try model.places(in: dialect) {
      plan.addVariablesGroup(place.group, objectName: place.path.names.last, dialect: dialect)
    }
    let implied = try model.variables(in: dialect)
    let values = try checkpoint.valuesByID(of: implied, path: path)
    plan.datasets += implied.map { .init(path: $0.dataset, value: values[$0.id]!.portable) }
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(optimizer, model, dialect: dialect, path: path)
    }
    // Keras 2 and tf_keras ask for the model's own group even when it is empty.
    plan.addVariablesGroup("", objectName: model.name, dialect: dialect)
    plan.addCairnGroup(checkpoint, texts: try checkpoint.texts(model))
    return plan
  }
}

extension FilePlan {
  /// The group `vars` of an object; Keras 3 writes the object's name beside it.
  fileprivate mutating func addVariablesGroup(
    _ object: String, objectName: String?, dialect: Dialect
  ) {
    let path = object.isEmpty ? WeightsLayout.variables : "\(object)/\(WeightsLayout.variables)"
    var group = Group(path: path)
    if dialect == .keras3, let objectName { group.attributes = [("name", .utf8(objectName))] }
    groups.append(group)
  }

  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, _ model: ModelConfiguration, dialect: Dialect, path: String
  ) throws {
    addVariablesGroup(
      WeightsLayout.optimizerGroup, objectName: optimizer.configuration.name(in: dialect),
      dialect: dialect)
    var values = [Tensor(scalar: optimizer.iterations)]
    if dialect == .keras3, let rate = optimizer.rateVariable { values.append(rate) }
    values += try optimizer.slotsInKerasOrder(model, dialect: dialect, path: path).map(
      \.value.portable)
    for (index, value) in values.enumerated() {
      datasets.append(
        .init(
          path: "\(WeightsLayout.optimizerGroup)/\(WeightsLayout.variables)/\(index)",
          value: value))
    }
  }
}
