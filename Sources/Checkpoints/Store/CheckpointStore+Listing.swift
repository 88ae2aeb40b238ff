public import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension CheckpointStore {
  /// A checkpoint of a folder.
  public struct Saved: Sendable, Hashable {
    public let step: Int
    public let path: String
  }

  /// The checkpoints of an existing folder, the newest first. Needs no right to write there, and changes
  /// nothing.
  ///
  /// - Throws: `unreadable` when there is no such folder.
  public static func saved(in folder: String) throws(CheckpointError) -> [Saved] {
    do throws(SystemCallError) {
      return try FolderTree.names(in: folder).compactMap { name in
        step(ofName: name).map { Saved(step: $0, path: "\(folder)/\(name)") }
      }.sorted { ($0.step, $0.path) > ($1.step, $1.path) }
    } catch {
      throw CheckpointError(
        .unreadable, "cannot read", path: folder, expected: "a folder of checkpoints",
        found: error.description, cure: "check its name and its permissions", cause: error)
    }
  }

  /// The checkpoints of this folder, the newest first.
  public func saved() throws(CheckpointError) -> [Saved] { try Self.saved(in: folder) }

  /// The file of a step.
  public func path(ofStep step: Int) -> String {
    "\(folder)/\(Self.name(ofStep: step, layout: profile.layout))"
  }

  static func name(ofStep step: Int, layout: Layout) -> String {
    let digits = String(step)
    let padding = String(repeating: "0", count: max(0, 12 - digits.count))
    return "step-\(padding)\(digits)\(layout.fileSuffix)"
  }

  /// Nil for a name that no store gives.
  static func step(ofName name: String) -> Int? {
    guard name.hasPrefix("step-"),
      let suffix = Layout.allCases.map(\.fileSuffix).sorted(by: { $0.count > $1.count })
        .first(where: name.hasSuffix)
    else { return nil }
    let digits = name.dropFirst("step-".count).dropLast(suffix.count)
    return digits.utf8.allSatisfy { (48...57).contains($0) } ? Int(digits) : nil
  }

  /// Whether a store could be writing a file that is to get this name.
  static func isOwnName(_ name: String) -> Bool {
    step(ofName: name) != nil || name == FolderLease.fileName
      // A shard: `step-000000000012_00000.weights.h5`.
      || (name.hasPrefix("step-") && name.hasSuffix(Layout.weights.fileSuffix))
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
