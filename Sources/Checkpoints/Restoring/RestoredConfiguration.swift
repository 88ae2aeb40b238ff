import HDF5
import KerasConfiguration

/// The loss, metrics and optimizer configuration of one checkpoint, put into a copy of another.
struct RestoredConfiguration {
  private let training: TrainingConfiguration
  private let dialect: Dialect
  private let place: Place

  /// Where a layout has its configuration.
  private enum Place {
    /// An attribute of the root.
    case root
    /// Attributes of Cairn's own group, in layouts that have no place for it themselves.
    case cairnGroup
    case document
    case member
  }

  /// Checks that the target has a place for it, its dialect the words, and its optimizer the slots: Keras
  /// ties slots to variables by the order that the configuration implies.
  ///
  /// - Throws: `unsupported`; `refused` where the slots are others.
  init(
    of source: CheckpointManifest, for target: CheckpointManifest, targetPath: String
  ) throws(CheckpointError) {
    guard let training = source.training else {
      preconditionFailure("a plan without a configuration takes none")
    }
    try Self.checkSlots(of: training, in: target, path: targetPath)
    self.training = training.withRateInForce(of: source.optimizer)
    dialect = target.dialect
    switch target.layout {
    case .wholeModel: place = .root
    case .directory: place = .document
    case .archive: place = .member
    case .weights, .legacyWeights, .sharded, .safetensors, .npz:
      guard target.isFromCairn, target.model != nil else {
        throw CheckpointError(
          .unsupported, "cannot restore into", path: targetPath, object: "configuration",
          expected: "a file with a place for it", found: "weights by Keras",
          cure: "choose a whole-model file, an archive or a folder as the target")
      }
      place = .cairnGroup
    }
    do {
      _ = try json
    } catch {
      throw CheckpointError(
        .unsupported, "cannot restore into", path: targetPath, object: "configuration",
        expected: "one that \(target.dialect) can spell", found: error.description,
        cure: "choose a target of \(training.dialect)", cause: error)
    }
  }

  private static func checkSlots(
    of training: TrainingConfiguration, in target: CheckpointManifest, path: String
  ) throws(CheckpointError) {
    var held: [String] = []
    for entry in target.entries {
      if case .slot(let slot, _, _) = entry.role, !held.contains(slot) { held.append(slot) }
    }
    guard !held.isEmpty,
      let implied = training.optimizer?.slotOrder(in: target.dialect)?.slots.map(\.name),
      Set(implied) != Set(held)
    else { return }
    throw CheckpointError(
      .refused, "cannot restore into", path: path, object: "configuration",
      expected: "an optimizer that keeps \(held.joined(separator: ", ")), as the target holds",
      found: "one that keeps \(implied.joined(separator: ", "))",
      cure: "choose a source whose optimizer keeps the same")
  }

  /// As the target spells it.
  private var json: JSONValue {
    get throws(ConfigurationError) {
      switch place {
      case .root: try training.json(for: dialect, in: .attribute)
      // No Keras reads it there, so it keeps its words.
      case .cairnGroup: try training.json(for: training.dialect, in: .attribute)
      case .document, .member: try training.json(for: dialect, in: .document)
      }
    }
  }

  /// Exchanges it in copies of the target's files with tensors, whose digests follow.
  func write(to copies: [String], _ digests: inout CopiedDigests) throws {
    switch place {
    case .root, .cairnGroup:
      try digests.renewingStructure { try write(to: copies) }
    case .document:
      let folder = LocatedCheckpoint(folder: FileSystem.folder(of: copies[0]))
      try digests.renewing(ArchiveLayout.configurationMember, of: folder) {
        try write(to: copies)
      }
    case .member:
      let archive = try LocatedCheckpoint(copies[0])
      try digests.renewing(ArchiveLayout.configurationMember, of: archive) {
        try write(to: copies)
      }
    }
  }

  private func write(to copies: [String]) throws {
    switch place {
    case .root:
      try update(copies[0]) { root in
        try root.attributes.replace("training_config", json.text, as: .variable(.ascii))
      }
    case .cairnGroup:
      for copy in copies {
        try update(copy) { root in
          guard try CairnGroup.isRecorded(in: root) else { return }
          let group = try root.openGroup(CairnGroup.path)
          try group.attributes.replace("training_config", json.text, as: .variable(.utf8))
          try group.attributes.replace(
            "training_config_dialect", training.dialect.rawValue, as: .variable(.utf8))
        }
      }
    case .document:
      let path = "\(FileSystem.folder(of: copies[0]))/\(ArchiveLayout.configurationMember)"
      let file = try ReadableFile(path)
      let text = try document(file.read(0..<file.byteCount))
      FolderTree.remove(path)
      try FileCopy.create(path, text)
    case .member:
      // The copy, since its tensors are the new ones.
      let archive = try ZipArchive(reading: copies[0])
      guard let member = archive[ArchiveLayout.configurationMember] else { return }
      let pending = PendingFile(for: copies[0])
      try archive.rewrite(
        member.name, with: document(archive.content(of: member)), to: pending.temporaryPath)
      try pending.commit(replacing: true)
    }
  }

  /// A model's document with this configuration in it.
  private func document(_ bytes: [UInt8]) throws -> [UInt8] {
    var object = try JSONValue(parsing: bytes).object ?? JSONObject()
    object["compile_config"] = try json
    return Array(JSONValue.object(object).text.utf8)
  }

  private func update(
    _ path: String, _ change: (borrowing HDF5Group) throws -> Void
  ) throws {
    let file = try HDF5File.openForUpdate(path, isLocked: false)
    do {
      let root = try file.root()
      try change(root)
    }
    try file.close()
  }
}

extension HDF5Attributes {
  fileprivate func replace(
    _ name: String, _ text: String, as type: HDF5StringType
  ) throws(HDF5Error) {
    if try contains(name) { try remove(name) }
    try setString(text, for: name, as: type)
  }
}

extension TrainingConfiguration {
  /// Keras 3 stores the rate in force as a variable, whatever the configuration says.
  fileprivate func withRateInForce(of optimizer: OptimizerSummary?) -> TrainingConfiguration {
    guard let rate = optimizer?.learningRate, let entry = self.optimizer,
      let configured = entry.constantLearningRate, Float(configured) != Float(rate),
      var decoded = try? (entry.inner ?? entry).decoded()
    else { return self }
    decoded.learningRate = .constant(rate)
    let json =
      entry.inner == nil
      ? try? decoded.json(for: entry.dialect, in: .attribute)
      : try? decoded.jsonScalingLoss(
        as: entry.lossScaling, for: entry.dialect, in: .attribute)
    var result = self
    result.optimizer = json.map { OptimizerEntry(json: $0, dialect: entry.dialect) }
    return result
  }
}
