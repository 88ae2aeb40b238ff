import HDF5
import KerasConfiguration
import Tensors

/// Layout D: a zip archive `.keras` of `config.json` and `model.weights.h5`, with `metadata.json`.
enum ArchiveLayout {
  static let weightsMember = "model.weights.h5"
  static let configurationMember = "config.json"
  static let metadataMember = "metadata.json"
  static let assetsMember = "assets"
  /// The weights begin here, so that libhdf5's own tools open the archive itself: they look for HDF5
  /// content at byte 512.
  static let weightsOffset = 512
}

// MARK: - Reading

extension ArchiveLayout {
  /// Where the weights lie inside the archive, to be opened in place.
  ///
  /// - Throws: `unrecognized` without such a member, `unsupported` when it is compressed in another way
  ///   than deflate.
  static func weights(of archive: ZipArchive) throws(CheckpointError) -> ContentPlace {
    guard let member = archive[weightsMember] else {
      throw CheckpointError(
        .unrecognized, "cannot read", path: archive.path, object: weightsMember,
        expected: "an archive with this member",
        found: archive.members.map(\.name).joined(separator: ", "))
    }
    switch member.method {
    case .stored: return .window(archive.path, member.data)
    case .deflated: return .deflated(archive, member)
    case .other(let method):
      throw CheckpointError(
        .unsupported, "cannot read", path: archive.path, object: weightsMember,
        expected: "it stored or deflated", found: "compression method \(method)",
        cure: "store it uncompressed, as Keras does: unzip it, then zip -0 -r")
    }
  }

  static func readManifest(
    _ root: borrowing StoredGroup, archive: ZipArchive,
    knowing customLayers: [LayerPath: CustomLayer]
  ) throws -> CheckpointManifest {
    try readManifest(root, path: archive.path, knowing: customLayers) { name in
      try archive[name].map { try archive.content(of: $0) }
    }
  }

  /// - Parameters:
  ///   - customLayers: what Cairn's own group tells of layers of unknown classes.
  ///   - document: the bytes of a member; nil when there is none of that name.
  static func readManifest(
    _ root: borrowing StoredGroup, path: String, knowing customLayers: [LayerPath: CustomLayer],
    document: (String) throws -> [UInt8]?
  ) throws -> CheckpointManifest {
    guard let configuration = try document(configurationMember) else {
      throw CheckpointError(
        .unrecognized, "cannot read", path: path,
        problem: "expected a saved model of Keras with \(configurationMember), found none")
    }
    let json = try JSONValue(parsing: configuration)
    let version =
      try document(metadataMember)
      .map { try JSONValue(parsing: $0)["keras_version"]?.string } ?? nil
    let model = try ModelConfiguration(
      json: json, dialect: version.flatMap(Dialect.init(kerasVersion:))
    ).knowing(customLayers)
    let training = try model.trainingConfiguration
    var manifest = try WeightsLayout.readManifest(
      root, model: model, training: training, dialect: model.dialect, path: path)
    manifest.layout = .archive
    manifest.kerasVersion = version
    if manifest.optimizer != nil, training?.optimizer == nil, training != nil {
      manifest.notes.append(
        "compile_config names no optimizer although the archive holds an optimizer's state: Keras 3 saves"
          + " such files after saving the same model as .h5, and loads them with another optimizer")
    }
    return manifest
  }
}

// MARK: - Writing

extension ArchiveLayout {
  /// The members beside the weights, in the order in which they are written.
  static func documents(
    of checkpoint: Checkpoint, dialect: Dialect, path: String
  ) throws -> [(name: String, content: [UInt8])] {
    let model = try checkpoint.requireModel(path: path)
    let configuration = try model.text(
      for: dialect, in: .document, training: checkpoint.compiled(for: dialect, in: .document))
    let metadata: JSONValue = ["keras_version": .string(dialect.writtenVersion)]
    return [
      (metadataMember, Array(metadata.text.utf8)),
      (configurationMember, Array(configuration.utf8)),
    ]
  }
}
