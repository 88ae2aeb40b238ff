/// Why a checkpoint could not be read, written, compared or restored.
///
/// Every message is one line: operation, file, object, what was expected and found, and the cure.
public struct CheckpointError: Error, Sendable {
  public enum Kind: Sendable, Hashable {
    /// The file cannot be opened, is damaged, or is no HDF5 file.
    case unreadable
    /// Bytes are not those that were written: a digest in the file does not match them.
    case damaged
    /// An HDF5 file, but not laid out as any Keras checkpoint.
    case unrecognized
    /// Parts of one file contradict each other.
    case inconsistent
    /// Something that this layout or this version of Cairn cannot hold.
    case unsupported
    /// A restore would lose or invent something; ``CheckpointError/report`` says what.
    case refused
    /// The file cannot be written; what stood there before still does.
    case unwritable
    /// The output exists and replacing it was not asked for.
    case outputExists
    /// Another process, or another store, writes in the folder.
    case inUse
  }

  public let kind: Kind
  /// What was being done: "cannot read".
  public let operation: String
  /// The file.
  public let path: String
  /// The object inside the file, if one is to blame.
  public let object: String?
  /// What was expected and what was found.
  public let problem: String
  /// What the user can do about it.
  public let cure: String
  /// The error of a lower level that led to this one.
  public let cause: (any Error)?
  /// The whole report of a restore that was refused.
  public let report: RestoreReport?

  public init(
    _ kind: Kind, _ operation: String, path: String, object: String? = nil, problem: String,
    cure: String? = nil, cause: (any Error)? = nil, report: RestoreReport? = nil
  ) {
    self.kind = kind
    self.operation = operation
    self.path = path
    self.object = object
    self.problem = problem
    self.cure = cure ?? kind.usualCure
    self.cause = cause
    self.report = report
  }
}

extension CheckpointError {
  /// An error whose problem is what was expected and what was found instead.
  init(
    _ kind: Kind, _ operation: String, path: String, object: String? = nil, expected: String,
    found: String, cure: String? = nil, cause: (any Error)? = nil, report: RestoreReport? = nil
  ) {
    self.init(
      kind, operation, path: path, object: object, problem: "expected \(expected), found \(found)",
      cure: cure, cause: cause, report: report)
  }
}

extension CheckpointError {
  /// The same error, with the name by which people know a file in the place of the one that was opened.
  package func naming(_ file: String, _ name: String) -> CheckpointError {
    CheckpointError(
      kind, operation, path: path == file ? name : path, object: object,
      problem: problem.replacing(file, with: name), cure: cure, cause: cause, report: report)
  }
}

extension CheckpointError.Kind {
  /// What helps where nothing better is known.
  fileprivate var usualCure: String {
    switch self {
    case .unreadable, .damaged, .inconsistent:
      "the file is damaged, or no checkpoint: take another copy, or see what checkpoint-inspect doctor can save"
    case .unrecognized: "see that it is a checkpoint of Keras or Cairn, safetensors, or .npz"
    case .unsupported: "take another layout, or the weights only"
    case .refused: "checkpoint-inspect show lists what the file holds"
    case .unwritable: "see that the folder can be written, or choose another"
    case .outputExists: "choose another name"
    case .inUse: "let one process at a time write there"
    }
  }
}

extension CheckpointError: CustomStringConvertible {
  public var description: String {
    var line = "\(operation) \(path)"
    if let object { line += ", \(object)" }
    line += ": \(problem)"
    return "\(line); \(cure)"
  }
}
