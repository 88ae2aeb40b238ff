import Checkpoints
import KerasConfiguration
import Tensors

/// What a checkpoint says about the run that it is of: where it stood, and what it had recorded.
///
/// Files of Cairn have a record of the run, and one of the store that saved them; of others no more is
/// known than the count of updates.
struct RunRecord: Sendable, Hashable {
  /// Steps of the run; else updates of the optimizer.
  var step: Int?
  /// Counted from 0.
  var epoch: Int?
  /// The loss of each step of the run, the first first; empty where none are recorded.
  var losses: [Float] = []
  /// Values of the state by name: those that it was saved with, else those of the last whole epoch, if
  /// that ended here.
  var metrics: [String: Double] = [:]

  init(_ manifest: CheckpointManifest) {
    let record = manifest.resumption?.json
    let position = record?["position"]
    step =
      position?["step"]?.int ?? manifest.storeRecord?.step
      ?? manifest.optimizer?.iterations.map { Int($0) }
    epoch = position?["epoch"]?.int
    if let array = manifest.resumption?.arrays.first(where: { $0.name == "losses" })?.value,
      array.dtype == .float32, let count = record?["lossCount"]?.int
    {
      // What stands behind them is room for those to come.
      losses = Array(array.elements(of: Float.self).prefix(count))
    }
    if let stored = manifest.storeRecord?.metrics, !stored.isEmpty {
      metrics = stored
    } else if let last = record?["epochs"]?.array?.last, let step, last["stepCount"]?.int == step,
      let values = last["values"]?.object
    {
      for pair in values.pairs { metrics[pair.key] = pair.value.double }
    }
  }

  /// The losses of the steps after `step`; all when that is not known. Empty when there are none.
  func losses(after step: Int?) -> ArraySlice<Float> {
    losses.dropFirst(min(max(step ?? 0, 0), losses.count))
  }
}
