import HDF5

/// An open HDF5 file that several values share.
///
/// Not `Sendable`, like the file.
final class OpenFile {
  let file: HDF5File
  /// By which its tensors are checked as they are read; nil for a file without digests, or when they are
  /// to be read as they are.
  let digests: DigestTable?
  /// The tree of the file, where its outline is in force.
  let outline: OutlinedTree?
  private var knownDescriptor: Int32?

  init(
    _ file: consuming HDF5File, digests: DigestTable? = nil, outline: OutlinedTree? = nil
  ) {
    self.file = file
    self.digests = digests
    self.outline = outline
  }

  /// The operating system's own handle, as long as the file is open.
  func descriptor() throws(HDF5Error) -> Int32 {
    if let knownDescriptor { return knownDescriptor }
    let descriptor = try file.descriptor()
    knownDescriptor = descriptor
    return descriptor
  }
}

/// Where the tensors of an open checkpoint lie.
enum TensorStorage {
  /// In one HDF5 file.
  case file(OpenFile)
  /// In several.
  case shards(OpenShards)
  /// In a file of plain tensors.
  case plain(PlainTensors)

  /// The open HDF5 files with tensors.
  var files: [OpenFile] {
    switch self {
    case .file(let file): [file]
    case .shards(let shards): shards.files
    case .plain: []
    }
  }

  /// The open HDF5 file that holds a dataset; nil where there is none.
  func file(of entry: CheckpointEntry) -> OpenFile? {
    switch self {
    case .file(let file): file
    case .shards(let shards): shards.file(of: entry.datasetPath)
    case .plain: nil
    }
  }

  /// A handle of the operating system for the file that holds an entry, as long as this is open.
  func descriptor(of entry: CheckpointEntry) throws(HDF5Error) -> Int32 {
    if case .plain(let tensors) = self { return tensors.file.descriptor }
    guard let file = file(of: entry) else {
      preconditionFailure("\(entry.datasetPath) is no entry of this checkpoint")
    }
    return try file.descriptor()
  }
}
