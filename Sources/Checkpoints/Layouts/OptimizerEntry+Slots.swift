import KerasConfiguration

extension OptimizerEntry {
  /// The slots that this optimizer keeps, in the order of saving, one block over the trainable
  /// variables each; nil for a class whose slots are not known.
  var slotNames: [String]? {
    if let inner { return inner.slotNames }
    guard className == "Adagrad" || className == "adagrad" else { return nil }
    var names: [String] = []
    if configuration["use_ema"]?.bool == true { names.append("average") }
    if let steps = configuration["gradient_accumulation_steps"]?.int, steps > 0 {
      names.append("gradient_accumulator")
    }
    return names + ["accumulator"]
  }
}
