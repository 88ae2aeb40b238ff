import HDF5
import KerasConfiguration
import Tensors

/// Layout F: the members of an archive as files of a folder, as Keras 3's `save(zipped=False)` writes it.
enum DirectoryLayout {
  /// Whether a path leads to a folder of this layout.
  static func isLaidOut(_ path: String) -> Bool {
    FolderTree.kind(of: "\(path)/.") == .folder
      && FolderTree.kind(of: "\(path)/\(ArchiveLayout.weightsMember)") != nil
  }

  /// Whether a folder holds a checkpoint of this layout and nothing else.
  static func isOnlyCheckpoint(_ path: String) -> Bool {
    guard isLaidOut(path), let names = try? FolderTree.names(in: path) else { return false }
    let known: Set = [
      ArchiveLayout.weightsMember, ArchiveLayout.configurationMember, ArchiveLayout.metadataMember,
      ArchiveLayout.assetsMember,
    ]
    return known.isSuperset(of: names)
  }

  /// The file of the tensors.
  static func weightsPath(_ path: String) -> String { "\(path)/\(ArchiveLayout.weightsMember)" }

  /// Nil when there is no such document.
  static func document(_ name: String, in path: String) throws(CheckpointError) -> [UInt8]? {
    let file = "\(path)/\(name)"
    guard FolderTree.kind(of: file) != nil else { return nil }
    do {
      let open = try ReadableFile(file)
      guard open.byteCount <= 256 << 20 else {
        throw CheckpointError(
          .unreadable, "cannot read", path: path, object: name,
          problem: "expected a document, found \(open.byteCount) bytes")
      }
      return try open.read(0..<open.byteCount)
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  static func readManifest(
    _ root: borrowing StoredGroup, path: String, knowing customLayers: [LayerPath: CustomLayer]
  ) throws -> CheckpointManifest {
    var manifest = try ArchiveLayout.readManifest(root, path: path, knowing: customLayers) { name in
      try document(name, in: path)
    }
    manifest.layout = .directory
    return manifest
  }
}
