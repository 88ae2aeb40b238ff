import HDF5
import KerasConfiguration

/// The loss, metrics and optimizer configuration of one checkpoint, put into a copy of another.
struct RestoredConfiguration {
  private let training: TrainingConfiguration
  private let target: CheckpointManifest

  /// Checks that the target has a place for it, and its dialect the words.
  ///
  /// - Throws: `unsupported`.
  init(
    of source: CheckpointManifest, for target: CheckpointManifest, targetPath: String
  ) throws(CheckpointError) {
    guard var training = source.training else {
      preconditionFailure("a plan without a configuration takes none")
    }
    // The stored variable is the rate in force, whatever the configuration says.
    if let rate = source.optimizer?.learningRate, let entry = training.optimizer,
      let configured = entry.constantLearningRate, Float(configured) != Float(rate),
      var decoded = try? entry.decoded()
    {
      decoded.learningRate = .constant(rate)
      training.optimizer = try? decoded.entry(for: entry.dialect, in: .attribute)
    }
    self.training = training
    self.target = target
    do {
      switch target.layout {
      case .wholeModel: _ = try training.json(for: target.dialect, in: .attribute)
      case .directory: _ = try training.json(for: target.dialect, in: .document)
      case .weights, .legacyWeights, .sharded, .archive, .safetensors, .npz:
        throw CheckpointError(
          .unsupported, "cannot restore into", path: targetPath, object: "configuration",
          problem: "the layout \(target.layout.rawValue) has no place where it could be exchanged",
          cure: "convert the target to a whole-model file or a folder first")
      }
    } catch {
      throw (error as? CheckpointError)
        ?? CheckpointError(
          .unsupported, "cannot restore into", path: targetPath, object: "configuration",
          problem: String(describing: error), cause: error)
    }
  }

  /// Exchanges it in the copy whose file of tensors lies at `copy`.
  func write(to copy: String) throws {
    if target.layout == .directory {
      let path =
        "\(PendingFile.folder(of: copy))/\(ArchiveLayout.configurationMember)"
      let bytes = try ReadableFile(path)
      guard var object = try JSONValue(parsing: bytes.read(0..<bytes.byteCount)).object else {
        return
      }
      object["compile_config"] = try training.json(for: target.dialect, in: .document)
      FolderTree.remove(path)
      try FileCopy.create(path, Array(JSONValue.object(object).text.utf8))
      return
    }
    let file = try HDF5File.openForUpdate(copy)
    do {
      let root = try file.root()
      if try root.attributes.contains("training_config") {
        try root.attributes.remove("training_config")
      }
      try root.attributes.setString(
        training.json(for: target.dialect, in: .attribute).text, for: "training_config",
        as: .variable(.ascii))
    }
    try file.close()
  }
}
