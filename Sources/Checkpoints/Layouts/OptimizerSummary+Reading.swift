import HDF5
import KerasConfiguration

extension OptimizerSummary {
  /// What the numbers among an optimizer's entries say, and its configuration where they say nothing.
  init(
    className: String?, entry: OptimizerEntry?, scalesLoss: Bool, entries: [CheckpointEntry],
    in group: borrowing HDF5Group
  ) throws(HDF5Error) {
    self.init(
      className: className, entry: entry, scalesLoss: scalesLoss,
      iterations: try group.scalar(of: .iteration, in: entries, as: Int64.self),
      learningRate: try group.scalar(of: .learningRate, in: entries, as: Double.self)
        ?? entry?.constantLearningRate)
  }
}

extension CheckpointManifest {
  /// Takes over what the configuration says of an optimizer of which the file holds no state.
  mutating func noteOptimizerWithoutState() {
    guard let entry = training?.optimizer else { return }
    optimizer = OptimizerSummary(
      className: entry.className, entry: entry, learningRate: entry.constantLearningRate)
    notes.append("the optimizer is configured, but its state is not in the file")
  }
}
