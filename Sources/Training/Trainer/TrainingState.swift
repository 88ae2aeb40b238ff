public import Optimizers
public import Tensors

/// Everything that training changes, as one value: `let snapshot = state` moves no bytes and stays as
/// it is while training goes on.
///
/// From a state, its model, its data and the trainer's options, the rest of a run follows to the last
/// bit; there is no other state anywhere.
public struct TrainingState: Sendable {
  /// All variables, in the model's order.
  public var variables: [Variable]
  /// The rule, and with it the slots, the averages and the iteration.
  public var optimizer: Optimizer
  /// What shuffles and masks are functions of, together with ``position``.
  public var seed: UInt64
  /// Where in the run the state stands.
  public var position: Position
  /// The sums behind the values of the epoch under way.
  public var running: RunningMeans
  public var history: TrainingHistory
  /// How far early stopping has come; nothing in a run without it.
  public var stopping: EarlyStopping.Progress

  /// Where a run stands: between two steps.
  public struct Position: Sendable, Hashable {
    /// Completed epochs, and so the number, from 0, of the one under way.
    public var epoch: Int
    /// Steps taken in the epoch under way. Equal to the epoch's number of batches when only its end
    /// (validation, report) is still to come.
    public var batch: Int
    /// Steps taken since the run began.
    public var step: Int64

    public init(epoch: Int = 0, batch: Int = 0, step: Int64 = 0) {
      self.epoch = epoch
      self.batch = batch
      self.step = step
    }
  }

  /// A state put together from its parts, as after reading a file.
  public init(
    variables: [Variable], optimizer: Optimizer, seed: UInt64, position: Position = Position(),
    running: RunningMeans = RunningMeans(), history: TrainingHistory = TrainingHistory(),
    stopping: EarlyStopping.Progress = EarlyStopping.Progress()
  ) {
    self.variables = variables
    self.optimizer = optimizer
    self.seed = seed
    self.position = position
    self.running = running
    self.history = history
    self.stopping = stopping
  }

  /// The start of a run: new variables (or those given), and an optimizer built for the trainable
  /// ones.
  ///
  /// Throws ``TrainingError/stateMismatch(_:)`` when `variables` are not the model's and
  /// ``TrainingError/optimizer(_:)`` when there is nothing to train.
  public init(
    model: Model, optimizer: Optimizer, seed: UInt64, variables: [Variable]? = nil
  ) throws(TrainingError) {
    let variables = variables ?? model.initialVariables(seed: seed)
    try model.check(variables)
    var optimizer = optimizer
    do throws(OptimizerError) {
      try optimizer.build(for: model.trainableVariables.map { variables[$0] })
    } catch { throw .optimizer(error) }
    self.init(variables: variables, optimizer: optimizer, seed: seed)
  }

  /// The variables with the optimizer's averages in the place of those that have one; nil when it keeps
  /// none.
  public var averagedVariables: [Variable]? {
    guard optimizer.averages != nil else { return nil }
    return variables.map { variable in
      guard let average = optimizer.slots[MovingAverages.slotName, variable.id] else {
        return variable
      }
      return Variable(id: variable.id, name: variable.name, value: average)
    }
  }
}

extension TrainingState {
  /// The variables as they were after the best epoch; nil unless ``EarlyStopping/keepsBestWeights``.
  public var bestVariables: [Variable]? {
    stopping.bestWeights.map { weights in
      zip(variables, weights).map { Variable(id: $0.id, name: $0.name, value: $1) }
    }
  }
}

// MARK: - Random numbers

extension TrainingState {
  /// The order in which the epoch under way visits the rows of its data.
  public func order(ofRows count: Int, shuffled: Bool) -> [Int] {
    guard shuffled else { return Array(0..<count) }
    return RandomStream(seed: seed).substream(named: "shuffle")
      .substream(UInt64(position.epoch)).permutation(of: count)
  }

  /// The random numbers of the next step's dropout, from which each layer derives its own.
  public var dropoutStream: RandomStream {
    RandomStream(seed: seed).substream(named: "dropout").substream(UInt64(position.epoch))
      .substream(UInt64(position.step))
  }
}
