import KerasConfiguration
import Tensors

// MARK: - Writing

extension WeightsLayout {
  /// The plan of a weights file; architecture and configuration stand in Cairn's group, where Keras does
  /// not look.
  ///
  /// - Parameter isRebuilt: whether Keras will build the model from a configuration beside these weights,
  ///   and so without the frozen layers of which that does not tell.
  /// - Throws: `unsupported` for a checkpoint without architecture.
  static func plan(
    _ checkpoint: Checkpoint, dialect: Dialect, isRebuilt: Bool = false, path: String
  ) throws -> FilePlan {
    let model = try checkpoint.requireModel(path: path)
    var plan = FilePlan()
    for place in try model.places(in: dialect) {
      plan.addVariablesGroup(place.group, objectName: place.path.names.last, dialect: dialect)
    }
    let implied = try model.variables(in: dialect)
    let values = try checkpoint.values(of: implied, path: path)
    plan.datasets += zip(implied, values).map { .init(path: $0.dataset, value: $1) }
    if let optimizer = checkpoint.optimizer {
      try plan.addOptimizer(
        optimizer, model, frozen: isRebuilt ? [] : checkpoint.frozen, dialect: dialect, path: path)
    }
    // Keras 2 and tf_keras ask for the model's own group even when it is empty.
    plan.addVariablesGroup("", objectName: model.name, dialect: dialect)
    try plan.addCairnGroup(checkpoint, texts: checkpoint.texts(model))
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

  /// Where the loss is scaled, the group `optimizer` is the wrapper's: its own numbers, in Keras 3, then all
  /// that the wrapped optimizer keeps, which stands once more in a group of its own.
  fileprivate mutating func addOptimizer(
    _ optimizer: OptimizerState, _ model: ModelConfiguration, frozen: Set<VariableID>,
    dialect: Dialect, path: String
  ) throws {
    let name = optimizer.configuration.name(in: dialect)
    var values = [Tensor(scalar: optimizer.iterations)]
    if dialect == .keras3, let rate = optimizer.rateVariable { values.append(rate) }
    values += try optimizer.slotsInKerasOrder(
      model, frozen: frozen, dialect: dialect, path: path
    ).map(\.value)
    let group = WeightsLayout.optimizerGroup
    guard let lossScale = optimizer.lossScale else {
      addObject(group, named: name, values, dialect: dialect)
      return
    }
    let own = dialect == .keras3 ? lossScale.values : []
    addObject(group, named: LossScaleState.optimizerName, own + values, dialect: dialect)
    addObject("\(group)/\(dialect.innerOptimizerGroup)", named: name, values, dialect: dialect)
  }

  /// An object with its variables, numbered.
  private mutating func addObject(
    _ group: String, named name: String, _ values: [Tensor], dialect: Dialect
  ) {
    addVariablesGroup(group, objectName: name, dialect: dialect)
    for (index, value) in values.enumerated() {
      datasets.append(.init(path: "\(group)/\(WeightsLayout.variables)/\(index)", value: value))
    }
  }
}
