/// What the losses come to that a run recorded from one of its checkpoints to the next. `log` and `bisect` call
/// them by the same names.
struct RecordedLoss: Sendable, Hashable {
  /// `loss`: the mean over the steps since the checkpoint before; else the value that was saved with the state.
  /// NaN where one of them is.
  var mean: Double
  /// `greatestLoss`: the greatest of these; NaN where one is not finite.
  var greatest: Double
  /// `lastLoss`: that of the step at which the checkpoint was saved; nil where steps have none recorded.
  var last: Double?

  /// Nil where no loss is known.
  ///
  /// - Parameter before: what the checkpoint before says; nil for the oldest, which counts from the first step.
  init?(_ record: RunRecord, since before: RunRecord?) {
    // A run that was set back to an older step has its losses from there.
    let (start, step) = (before?.step ?? 0, record.step ?? 0)
    let losses = record.losses(after: start < step ? start : nil)
    if losses.isEmpty {
      guard let saved = record.metrics["loss"] else { return nil }
      (mean, greatest) = (saved, saved)
    } else {
      mean = losses.reduce(0) { $0 + Double($1) } / Double(losses.count)
      greatest = losses.contains { !$0.isFinite } ? .nan : Double(losses.max()!)
    }
    if step > 0, step <= record.losses.count { last = Double(record.losses[step - 1]) }
  }

  /// By name.
  var values: [String: Double] {
    var values = ["loss": mean, "greatestLoss": greatest]
    values["lastLoss"] = last
    return values
  }
}
