public import KerasConfiguration
import Tensors

extension Checkpoint {
  /// What is left of the checkpoint in a file of `profile`, and in words what is lost.
  ///
  /// Lost is only what the Keras of the profile has no place for at all; everything that Cairn itself needs
  /// to go on is kept in its own group wherever an optimizer is.
  public func reduced(to profile: Profile) -> (checkpoint: Checkpoint, losses: [String]) {
    var reduced = self
    var losses: [String] = []
    if profile.layout == .legacyWeights {
      if let optimizer {
        losses.append(
          "the optimizer: \(optimizer.configuration.rule.className) at iteration "
            + "\(optimizer.iterations) with \(optimizer.slots.count) slot variables")
      }
      reduced.dropOptimizer(&losses)
    }
    if profile.dialect != .keras3, [.weights, .archive].contains(profile.layout),
      let optimizer = reduced.optimizer, optimizer.configuration.arithmetic == .kerasLegacy
    {
      losses.append(
        "the optimizer: \(profile.dialect) keeps the state of its legacy classes only in whole-model files"
      )
      reduced.dropOptimizer(&losses)
    }
    if profile.dialect != .keras3, let lossScale = reduced.optimizer?.lossScale {
      let scaling = training?.optimizer?.lossScaling ?? LossScaling()
      let start = LossScaleState(startingAs: scaling)
      if lossScale != start {
        losses.append(
          "the loss scale \(lossScale.scale), \(lossScale.stepCounter) steps after it changed")
      }
      reduced.optimizer?.lossScale = start
    }
    if profile.dialect != .keras3, var optimizer = reduced.optimizer {
      if optimizer.configuration.gradientAccumulationSteps != nil {
        losses.append("gradient accumulation and the gradients accumulated so far")
        optimizer.configuration.gradientAccumulationSteps = nil
        optimizer.slots.removeAll { $0.slot == "gradient_accumulator" }
      }
      if optimizer.configuration.lossScaleFactor != nil {
        losses.append("the loss scale factor")
        optimizer.configuration.lossScaleFactor = nil
      }
      reduced.optimizer = optimizer
    }
    losses += reduced.dropUntranslatable(to: profile)
    return (reduced, losses)
  }

  /// Without an optimizer there is nothing to compile, and no run to resume.
  mutating func dropOptimizer(_ losses: inout [String]) {
    optimizer = nil
    if training != nil {
      losses.append("loss, metrics and the optimizer's configuration")
      training = nil
    }
    if resumption != nil {
      losses.append("the record of the run, from which it could be resumed")
      resumption = nil
    }
  }

  /// Where the target has no words for a part of the model or of its training, leaves that part out and
  /// says so. What can be translated whole keeps its own words until it is written.
  private mutating func dropUntranslatable(to profile: Profile) -> [String] {
    guard let container = profile.layout.configurationContainer else { return [] }
    var losses: [TranslationLoss] = []
    if let model, model.calls != .unknown, model.dialect != profile.dialect {
      let translation = model.translation(to: profile.dialect, in: container)
      if !translation.losses.isEmpty { self.model = translation.configuration }
      rename(LayerRenaming(of: model, for: profile.dialect))
      losses += translation.losses
    }
    if let training, training.dialect != profile.dialect {
      let translation = training.translation(to: profile.dialect, in: container)
      if !translation.losses.isEmpty { self.training = translation.configuration }
      losses += translation.losses
    }
    return losses.map(\.description)
  }
}

extension Checkpoint {
  /// What belongs to the layers of new names; the model has them already.
  private mutating func rename(_ renaming: LayerRenaming) {
    guard !renaming.isEmpty else { return }
    variables = variables.map { variable in
      let (old, new) = ("\(variable.id.layer)/", "\(renaming[variable.id.layer])/")
      let name = variable.name
      return Variable(
        id: renaming[variable.id],
        name: name.hasPrefix(old) ? new + name.dropFirst(old.count) : name, value: variable.value)
    }
    if let slots = optimizer?.slots {
      optimizer?.slots = slots.map {
        SlotVariable(slot: $0.slot, owner: renaming[$0.owner], value: $0.value)
      }
    }
    frozen = Set(frozen.map { renaming[$0] })
    training = training.map(renaming.renamed)
  }
}

extension Layout {
  /// Where Keras keeps configurations in this layout; nil where it keeps none.
  var configurationContainer: ConfigurationContainer? {
    switch self {
    case .wholeModel: .attribute
    case .archive, .directory: .document
    case .legacyWeights, .weights, .sharded, .safetensors, .npz: nil
    }
  }
}
