import KerasConfiguration
import Optimizers
import Tensors

extension TrainingState {
  /// The first thing in which another state differs, in words that name it; nil when all is the same to
  /// the bit.
  public func firstDifference(from other: TrainingState) -> String? {
    if position != other.position {
      return "position: \(position.words) and \(other.position.words)"
    }
    if let difference = differenceOfLosses(other.history) { return difference }
    guard variables.map(\.id) == other.variables.map(\.id) else { return "the list of variables" }
    for (a, b) in zip(variables, other.variables) where !a.value.isIdentical(to: b.value) {
      return a.name
    }
    if let difference = differenceOfOptimizer(other.optimizer) { return difference }
    if seed != other.seed { return "seed: \(seed) and \(other.seed)" }
    if running != other.running { return "the sums of the epoch under way" }
    if history != other.history { return "the values of past epochs" }
    return stopping.isIdentical(to: other.stopping) ? nil : "the progress of early stopping"
  }

  private func differenceOfLosses(_ other: TrainingHistory) -> String? {
    let (a, b) = (history.losses, other.losses)
    if let index = zip(a, b).enumerated().first(where: { !$1.0.isIdentical(to: $1.1) })?.offset {
      return "the loss of step \(index + 1): \(a[index]) and \(b[index])"
    }
    return a.count == b.count ? nil : "the number of losses: \(a.count) and \(b.count)"
  }

  private func differenceOfOptimizer(_ other: Optimizer) -> String? {
    if optimizer.iterations != other.iterations {
      return "iteration: \(optimizer.iterations) and \(other.iterations)"
    }
    guard optimizer.slots.names == other.slots.names else { return "the list of slots" }
    for slot in optimizer.slots.names {
      let pairs = zip(optimizer.slots[slot] ?? [], other.slots[slot] ?? [])
      for (variable, pair) in zip(optimizer.slots.variables, pairs)
      where !Tensor.areIdentical(pair.0, pair.1) {
        return "\(slot)/\(variable.name)"
      }
    }
    guard optimizer.rereadConfiguration == other.rereadConfiguration else {
      return "the optimizer's options"
    }
    return optimizer.weightDecayExclusions == other.weightDecayExclusions
      ? nil : "the exclusions from weight decay"
  }
}

extension Optimizer {
  /// The options as a file gives them back, which may spell a number in another way than whoever gave
  /// them: 0 and 0.0. Nil for a rule of which Keras has no class.
  fileprivate var rereadConfiguration: OptimizerConfiguration? {
    guard let configuration = try? configuration() else { return nil }
    let dialect: Dialect = configuration.arithmetic == .keras3 ? .keras3 : .keras2
    guard var reread = try? configuration.entry(for: dialect, in: .attribute).decoded() else {
      return configuration
    }
    reread.arithmetic = configuration.arithmetic
    return reread
  }
}

extension TrainingState.Position {
  fileprivate var words: String { "step \(step), epoch \(epoch + 1), batch \(batch)" }
}

extension EarlyStopping.Progress {
  func isIdentical(to other: Self) -> Bool {
    best?.bitPattern == other.best?.bitPattern && bestEpoch == other.bestEpoch
      && waitedEpochs == other.waitedEpochs && stoppedEpoch == other.stoppedEpoch
      && bestWeights?.count == other.bestWeights?.count
      && zip(bestWeights ?? [], other.bestWeights ?? []).allSatisfy { $0.isIdentical(to: $1) }
  }
}

extension Tensor {
  fileprivate static func areIdentical(_ a: Tensor?, _ b: Tensor?) -> Bool {
    guard let a, let b else { return a == nil && b == nil }
    return a.isIdentical(to: b)
  }
}
