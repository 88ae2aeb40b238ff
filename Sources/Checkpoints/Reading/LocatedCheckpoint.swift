/// The files of a checkpoint and in which way they make it up, told by content alone; none of them opened
/// by libhdf5 yet.
struct LocatedCheckpoint {
  let path: String
  let kind: Kind

  enum Kind {
    /// One HDF5 file, or nothing that is known.
    case file
    case archive(ZipArchive)
    case folder
    case shards(ShardMap)
    case safetensors
    case npz(ZipArchive)
  }

  init(_ path: String) throws {
    self.path = path
    if DirectoryLayout.isLaidOut(path) {
      kind = .folder
      return
    }
    switch Self.head(of: path) {
    case .archive:
      let archive = try ZipArchive(reading: path)
      kind = NumPyArchive.isLaidOut(archive) ? .npz(archive) : .archive(archive)
    case .json: kind = .shards(try ShardMap(reading: path))
    case .safetensors: kind = .safetensors
    case .other: kind = .file
    }
  }

  /// A folder that is still being made.
  init(folder path: String) {
    self.path = path
    kind = .folder
  }

  /// The same path as it is now.
  func reopened() throws -> LocatedCheckpoint {
    if case .folder = kind { LocatedCheckpoint(folder: path) } else { try LocatedCheckpoint(path) }
  }

  private enum Head { case archive, json, safetensors, other }

  /// How a file begins. What cannot be read counts as HDF5, since libhdf5 finds the better words for it.
  private static func head(of path: String) -> Head {
    guard let file = try? ReadableFile(path),
      let head = try? file.read(0..<min(64, file.byteCount))
    else { return .other }
    if head.starts(with: [0x50, 0x4b, 0x03, 0x04]) { return .archive }
    if Safetensors.isLaidOut(head, byteCount: file.byteCount) { return .safetensors }
    let space: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
    return head.first { !space.contains($0) } == UInt8(ascii: "{") ? .json : .other
  }
}

extension LocatedCheckpoint {
  /// The HDF5 contents with the tensors.
  var contents: [ContentPlace] {
    get throws(CheckpointError) {
      switch kind {
      case .file: return [.file(path)]
      case .folder: return [.file(DirectoryLayout.weightsPath(path))]
      case .archive(let archive): return [try ArchiveLayout.weights(of: archive)]
      case .shards(let map):
        let folder = FileSystem.folder(of: path)
        return map.shards.map { .file("\(folder)/\($0)") }
      case .safetensors, .npz: return []
      }
    }
  }

  /// The content of a document beside the tensors; nil when there is none of the name.
  func document(_ name: String) throws(CheckpointError) -> [UInt8]? {
    switch kind {
    case .folder: return try DirectoryLayout.document(name, in: path)
    case .archive(let archive):
      guard let member = archive[name] else { return nil }
      return try archive.content(of: member)
    case .file, .shards, .safetensors, .npz: return nil
    }
  }
}
