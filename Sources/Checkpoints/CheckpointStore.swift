public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A folder of checkpoints of one run, one file a saved step: `step-000000001234.h5`.
public struct CheckpointStore: Sendable {
  public let folder: String
  /// In which layout, and for which Keras, the files are written.
  public let profile: Profile

  /// A checkpoint of the folder.
  public struct Saved: Sendable, Hashable {
    public let step: Int
    public let path: String
  }

  /// Opens the folder, creating it if need be, and removes what processes that died in mid-save left.
  ///
  /// - Throws: `unwritable` when it cannot be created or is no folder.
  public init(opening folder: String, profile: Profile) throws(CheckpointError) {
    self.folder = folder
    self.profile = profile
    if mkdir(folder, 0o755) != 0, errno != EEXIST {
      throw CheckpointError.saving(folder, SystemCallError("mkdir"))
    }
    var status = stat()
    guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw CheckpointError(
        .unwritable, "cannot open", path: folder, problem: "expected a folder, found a file",
        cure: "choose another folder for checkpoints")
    }
    guard access(folder, W_OK) == 0 else {
      throw CheckpointError.saving(folder, SystemCallError("access"))
    }
    _ = PendingFile.removeAbandoned(in: folder)
  }

  /// The checkpoints of an existing folder, the newest first; changes nothing.
  ///
  /// - Throws: `unreadable` when there is no such folder.
  public static func saved(in folder: String) throws(CheckpointError) -> [Saved] {
    guard let stream = opendir(folder) else {
      let error = SystemCallError("opendir")
      throw CheckpointError(
        .unreadable, "cannot read", path: folder, problem: error.description, cause: error)
    }
    defer { closedir(stream) }
    var saved: [Saved] = []
    while let entry = readdir(stream) {
      let name = entry.fileName
      if let step = step(ofName: name) {
        saved.append(Saved(step: step, path: "\(folder)/\(name)"))
      }
    }
    return saved.sorted { ($0.step, $0.path) > ($1.step, $1.path) }
  }

  /// The checkpoints of this folder, the newest first.
  public func saved() throws(CheckpointError) -> [Saved] { try Self.saved(in: folder) }

  /// Saves durably, and returns where. A checkpoint of the same step is replaced.
  @discardableResult
  public func save(_ checkpoint: Checkpoint, step: Int) throws(CheckpointError) -> Saved {
    let saved = Saved(step: step, path: path(ofStep: step))
    try checkpoint.save(to: saved.path, profile: profile, replacing: true)
    return saved
  }

  /// The file of a step.
  public func path(ofStep step: Int) -> String {
    let digits = String(step)
    let padding = String(repeating: "0", count: max(0, 12 - digits.count))
    return "\(folder)/step-\(padding)\(digits)\(profile.layout.fileSuffix)"
  }

  private static func step(ofName name: String) -> Int? {
    guard name.hasPrefix("step-"),
      let suffix = Layout.allCases.map(\.fileSuffix).sorted(by: { $0.count > $1.count })
        .first(where: name.hasSuffix)
    else { return nil }
    let digits = name.dropFirst("step-".count).dropLast(suffix.count)
    return digits.utf8.allSatisfy { (48...57).contains($0) } ? Int(digits) : nil
  }
}

extension Layout {
  /// How Keras wants the name of such a file to end; its loaders choose by name.
  public var fileSuffix: String {
    switch self {
    case .wholeModel, .legacyWeights: ".h5"
    case .weights: ".weights.h5"
    case .archive: ".keras"
    case .sharded: ".weights.json"
    case .directory: ""
    case .safetensors: ".safetensors"
    case .npz: ".npz"
    }
  }
}

extension UnsafeMutablePointer<dirent> {
  var fileName: String {
    withUnsafePointer(to: &pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
    }
  }
}
