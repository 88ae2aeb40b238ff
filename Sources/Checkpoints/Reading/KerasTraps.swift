import HDF5
import KerasConfiguration
import Tensors

/// Keras's own traps, in words: where the Keras that wrote a file does not restore what the file holds,
/// or holds something else than one would think. Measured with Keras 2.12, tf_keras 2.21, Keras 3.15.
enum KerasTraps {
  /// The notes that follow from what the file says of itself.
  static func notes(on manifest: CheckpointManifest) -> [String] {
    [
      wholeModelOfKeras3(manifest), shortLoss(manifest), lossScale(manifest), bfloat16(manifest),
      legacyClass(manifest), storedRate(manifest), forgottenFreeze(manifest),
    ].compactMap { $0 } + alteredLayers(manifest)
  }

  /// The short names of losses, inside lists and dictionaries, too.
  private static let shortLosses: Set = [
    "mse", "mae", "mape", "msle", "bce", "kld", "MSE", "MAE", "MAPE", "MSLE", "BCE", "KLD",
    "logcosh",
  ]

  private static func wholeModelOfKeras3(_ manifest: CheckpointManifest) -> String? {
    guard manifest.dialect == .keras3, manifest.layout == .wholeModel, manifest.hasSlots else {
      return nil
    }
    return
      "Keras 3 restores only the counter and the rate of an optimizer from a whole-model file, and"
      + " its next step fails; Cairn restores all of it (for Keras 3, convert to an archive)"
  }

  private static func shortLoss(_ manifest: CheckpointManifest) -> String? {
    guard manifest.dialect == .keras3, manifest.layout == .wholeModel,
      let name = manifest.training.flatMap({ shortLoss(in: $0.loss, depth: 0) })
    else { return nil }
    return "Keras 3 cannot load a whole-model file whose loss is the short name `\(name)`"
  }

  private static func shortLoss(in json: JSONValue, depth: Int) -> String? {
    if let name = json.string { return shortLosses.contains(name) ? name : nil }
    guard depth < 4 else { return nil }
    let inner = json.array ?? json.object?.pairs.map(\.value) ?? []
    return inner.lazy.compactMap { shortLoss(in: $0, depth: depth + 1) }.first
  }

  private static func lossScale(_ manifest: CheckpointManifest) -> String? {
    guard manifest.training?.optimizer?.inner != nil, manifest.dialect != .keras3,
      manifest.layout == .wholeModel, manifest.hasSlots
    else { return nil }
    return
      "\(manifest.dialect) restores nothing of an optimizer that scales its loss from a whole-model"
      + " file, and stores the scale in no layout"
  }

  private static func bfloat16(_ manifest: CheckpointManifest) -> String? {
    let count = manifest.entries.filter { $0.dtype == .bfloat16 }.count
    let profile = Profile(dialect: manifest.dialect, layout: manifest.layout)
    guard count > 0, !profile.readsBFloat16 else { return nil }
    return "\(manifest.dialect) writes bfloat16 into this layout, but cannot read it back"
      + " (\(count) tensors); Cairn does"
  }

  private static func legacyClass(_ manifest: CheckpointManifest) -> String? {
    guard manifest.training?.optimizer?.isLegacyClass == true, !manifest.hasSlots,
      manifest.layout == .archive
    else { return nil }
    return "\(manifest.dialect) leaves the state of its legacy optimizer classes out of this layout"
      + " without a word"
  }

  /// The stored variable wins when Keras 3 loads.
  private static func storedRate(_ manifest: CheckpointManifest) -> String? {
    guard manifest.entries.contains(where: { $0.role == .learningRate }),
      let stored = manifest.optimizer?.learningRate,
      let configured = manifest.optimizer?.entry?.constantLearningRate,
      Float(stored) != Float(configured)
    else { return nil }
    return "the stored learning rate \(Float(stored)) is in force, not the configured"
      + " \(Float(configured))"
  }

  private static func forgottenFreeze(_ manifest: CheckpointManifest) -> String? {
    guard manifest.layout == .wholeModel, !manifest.isFromCairn,
      let first = manifest.frozen.map({ $0.layer.description }).min()
    else { return nil }
    return
      "the order of the weights shows that `\(first)` was frozen, which the configuration does not say:"
      + " \(manifest.dialect) loads this file into the wrong variables; Cairn goes by the names"
  }

  private static func alteredLayers(_ manifest: CheckpointManifest) -> [String] {
    guard let model = manifest.model else { return [] }
    var notes: [String] = []
    let tuned = model.layers.filter { $0.configuration["lora_rank"].map { !$0.isNull } ?? false }
    if let first = tuned.first, manifest.layout != .wholeModel {
      notes.append(
        "LoRA (\(tuned.count) of the layers, first `\(first.name)`): the file holds the product of the"
          + " matrices merged into the kernel, and not the matrices")
    }
    let quantized = model.layers.filter {
      $0.configuration["dtype"]?["class_name"]?.string == "QuantizedDTypePolicy"
    }
    if let first = quantized.first {
      notes.append(
        "quantized (\(quantized.count) of the layers, first `\(first.name)`): the optimizer keeps the slots"
          + " of the kernels that were there before, and Keras drops its whole state on load")
    }
    return notes
  }
}

extension CheckpointManifest {
  fileprivate var hasSlots: Bool {
    entries.contains { $0.role == .untied || $0.role.keyword == "slot" }
  }
}

// MARK: - Weights that are averages

extension KerasTraps {
  /// A note when the weights equal their moving averages, as `fit` with `use_ema` leaves them: the live
  /// weights of the last step are then in no file.
  ///
  /// Compares the beginnings of the largest tensors and stops at the first that differs.
  static func noteOnAverages(
    _ manifest: CheckpointManifest, root: borrowing HDF5Group, path: String
  ) throws -> String? {
    // The first step of Keras 3 copies the variable.
    guard let iterations = manifest.optimizer?.iterations, iterations > 1 else { return nil }
    var weights: [VariableID: CheckpointEntry] = [:]
    for entry in manifest.entries {
      if case .weight(let id) = entry.role { weights[id] = entry }
    }
    let pairs = manifest.entries.compactMap { entry -> (CheckpointEntry, CheckpointEntry)? in
      guard case .slot("average", let owner, _) = entry.role, let weight = weights[owner],
        weight.dtype == entry.dtype, weight.shape == entry.shape
      else { return nil }
      return (weight, entry)
    }.sorted { $0.0.byteCount > $1.0.byteCount }.prefix(comparedTensors)
    guard !pairs.isEmpty else { return nil }
    for (weight, average) in pairs
    where try beginning(of: weight, root, path) != beginning(of: average, root, path) {
      return nil
    }
    return
      "the weights equal their moving averages, as Keras's fit leaves them: the live weights of the"
      + " last step are not in the file"
  }

  private static let comparedTensors = 8
  private static let comparedBytes = 1 << 16

  private static func beginning(
    of entry: CheckpointEntry, _ root: borrowing HDF5Group, _ path: String
  ) throws -> [UInt8] {
    let dataset = try root.openDataset(entry.datasetPath)
    guard entry.shape.rank > 0, let rows = entry.slabs(ofAtMost: comparedBytes).first else {
      return try dataset.readTensor(entry, path: path).withUnsafeBytes { Array($0) }
    }
    let dtype = try entry.requireDType(path: path)
    let shape = Shape([rows.count] + entry.shape.dimensions.dropFirst())
    return try Tensor(shape: shape, dtype: dtype) { bytes in
      try dataset.readRows(rows, into: bytes, as: dtype.elementType)
    }.withUnsafeBytes { Array($0) }
  }
}
