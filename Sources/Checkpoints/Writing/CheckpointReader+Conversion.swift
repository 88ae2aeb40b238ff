public import KerasConfiguration
import Tensors

extension CheckpointReader {
  /// Writes the checkpoint anew for another Keras or in another layout; what it says stays the same bit
  /// for bit.
  ///
  /// A file that has the profile already is copied byte for byte, with everything that Cairn does not
  /// know: groups, attributes, members, the texts of its configurations. It is written anew when a size of
  /// shards or an algorithm of digests is asked for, and when bfloat16 is to become float32.
  ///
  /// - Parameters:
  ///   - acceptingLoss: writes what the target can hold; otherwise nothing is written when something
  ///     would be lost.
  ///   - maximumShardByteCount: see ``Checkpoint/save(to:profile:replacing:threadCount:maximumShardByteCount:digests:bfloat16:reusing:)``.
  ///   - bfloat16: how such tensors are stored. Where nothing is said, a file that is copied keeps
  ///     them, and any other gets float32.
  ///   - digests: how the digests of the new file are computed (<doc:Digests>).
  /// - Returns: what was lost, in words.
  /// - Throws: `refused` when something would be lost, and as
  ///   ``Checkpoint/save(to:profile:replacing:threadCount:maximumShardByteCount:digests:bfloat16:reusing:)`` does.
  @discardableResult
  public func convert(
    to profile: Profile, writing output: String, acceptingLoss: Bool = false,
    replacing: Bool = false, maximumShardByteCount: Int? = nil, digests: DigestAlgorithm? = nil,
    bfloat16: BFloat16Storage? = nil
  ) throws(CheckpointError) -> [String] {
    try refuseInput(as: output)
    try bfloat16?.requireReadable(in: profile, path: output)
    let changesDType =
      bfloat16 == .float32 && manifest.entries.contains { $0.dtype == .bfloat16 }
    if profile == Profile(dialect: manifest.dialect, layout: manifest.layout),
      maximumShardByteCount == nil, digests == nil, !changesDType
    {
      try copy(to: output, replacing: replacing)
      return []
    }
    var (reduced, losses) = try loadReduced(to: profile)
    guard losses.isEmpty || acceptingLoss else {
      throw CheckpointError(
        .refused, "cannot convert", path: path,
        object: "conversion", expected: "a checkpoint that \(profile.name) can hold whole",
        found: "what it cannot hold: \(losses.joined(separator: "; "))",
        cure: "--accept-loss writes it without")
    }
    if let model = reduced.model {
      reduced.original = reduced.original ?? OriginalWords(model: model, training: reduced.training)
      if reduced.training == nil { reduced.original?.training = nil }
    }
    try reduced.save(
      to: output, profile: profile, replacing: replacing,
      maximumShardByteCount: maximumShardByteCount ?? ShardedLayout.defaultShardByteCount,
      digests: digests ?? .crc32c, bfloat16: bfloat16 ?? .float32)
    return losses
  }

  /// What is left of the checkpoint in a file of `profile`, and in words what is lost: beside what the
  /// target has no place for, an optimizer whose state Cairn cannot carry over.
  private func loadReduced(
    to profile: Profile
  ) throws(CheckpointError) -> (checkpoint: Checkpoint, losses: [String]) {
    // A layout without optimizers does not ask whether this one can be read.
    let isHeld = profile.layout != .legacyWeights
    // Without an architecture nothing can be written, with or without an optimizer.
    let obstacle = isHeld && manifest.model != nil ? obstacleToOptimizer() : nil
    var checkpoint = try load(includingOptimizer: isHeld && obstacle == nil)
    guard let optimizer = manifest.optimizer, !isHeld || obstacle != nil else {
      return checkpoint.reduced(to: profile)
    }
    var losses = [optimizer.words(slotCount: manifest.slotCount)]
    if let obstacle {
      losses[0] += ": \(obstacle.problem)"
      checkpoint.dropOptimizer(&losses)
    }
    let (reduced, others) = checkpoint.reduced(to: profile)
    losses += others
    if [.legacyWeights, .wholeModel].contains(profile.layout), let layer = manifest.layerOfOpenOrder
    {
      losses.append(
        "the order of the weights in `\(layer)`: the optimizer keeps slots of fewer variables than the"
          + " configuration trains, and Keras reads this layout by order, frozen weights last")
    }
    return (reduced, losses)
  }

  /// What a conversion to `profile` does without knowing what it means: one line, or none. Layers of
  /// classes of somebody's own are carried over with their options as they are.
  public func conversionNotes(to profile: Profile) -> [String] {
    guard let model = manifest.model,
      profile != Profile(dialect: manifest.dialect, layout: manifest.layout)
    else { return [] }
    let carried = model.carriedLayers
    guard let first = carried.first else { return [] }
    let others = carried.count > 1 ? " and \(carried.count - 1) more" : ""
    return [
      "\(first)\(others): somebody's own, carried over with its options as they are; the Keras that loads the"
        + " file needs the class"
    ]
  }

  /// Writes the same checkpoint under another name.
  private func copy(to output: String, replacing: Bool) throws(CheckpointError) {
    do {
      try copy(to: output, replacing: replacing) { _ in }
    } catch {
      throw CheckpointError.saving(output, error)
    }
  }
}

extension CheckpointManifest {
  /// The first top-level layer that a whole-model file would order otherwise if a part of it was frozen,
  /// where the optimizer's state shows that something was frozen of which the configuration does not
  /// tell; nil where all is told.
  fileprivate var layerOfOpenOrder: String? {
    guard frozen.isEmpty, entries.contains(where: { $0.role == .untied }), let model,
      let places = try? model.places(in: dialect)
    else { return nil }
    let trained = places.filter { place in
      place.isTrainable && place.variables?.contains(where: \.isTrainable) == true
    }
    let counts = Dictionary(grouping: trained, by: \.topLevelLayer).mapValues(\.count)
    return trained.first { counts[$0.topLevelLayer]! > 1 }?.topLevelLayer
  }

  /// What the optimizer keeps for variables, tied or not.
  fileprivate var slotCount: Int { entries.count { $0.isSlot } }
}

extension CheckpointEntry {
  fileprivate var isSlot: Bool {
    switch role {
    case .slot, .untied: true
    case .weight, .iteration, .learningRate, .lossScale, .other: false
    }
  }
}

extension OptimizerSummary {
  /// What is lost without it.
  fileprivate func words(slotCount: Int) -> String {
    "the optimizer: \(className ?? "of a class that the file does not name") at iteration"
      + " \(iterations ?? 0) with \(slotCount) slot variables"
  }
}
