public import Tensors

/// One tensor of a checkpoint file: what it is called, what it is, and where it lies.
public struct CheckpointEntry: Sendable, Hashable {
  /// The canonical name, the same in every layout: `dense/kernel`, `accumulator/dense/kernel`,
  /// `iteration`. Where the file does not tell what a tensor is, its path in the file.
  public let name: String
  public let role: Role
  /// The dataset's path inside the file.
  public let datasetPath: String
  public let shape: Shape
  /// Nil for a type that no tensor has; ``storedType`` says which.
  public let dtype: DType?
  /// The dataset's type in words.
  public let storedType: String
  /// Bytes that the elements take in the file's type.
  public let byteCount: Int
  /// Where the elements begin in the file that holds them, if they lie there in one piece and as they are
  /// in memory; nil otherwise.
  public internal(set) var byteOffset: Int?

  public init(
    name: String, role: Role, datasetPath: String, shape: Shape, dtype: DType?, storedType: String,
    byteCount: Int, byteOffset: Int? = nil
  ) {
    self.name = name
    self.role = role
    self.datasetPath = datasetPath
    self.shape = shape
    self.dtype = dtype
    self.storedType = storedType
    self.byteCount = byteCount
    self.byteOffset = byteOffset
  }

  public enum Role: Sendable, Hashable {
    /// A variable of the model.
    case weight(VariableID)
    /// A slot variable of the optimizer, tied to its owner. `slot` is such as `accumulator`.
    case slot(slot: String, owner: VariableID, ownerName: String)
    /// The count of applied updates.
    case iteration
    /// The rate, where the layout stores it as a variable.
    case learningRate
    /// A number of the optimizer that scales the loss around another: `loss_scale/dynamic_scale`.
    case lossScale
    /// An optimizer variable whose owner cannot be proven.
    case untied
    /// Anything else, such as the state of metrics.
    case other
  }
}

extension CheckpointEntry.Role {
  /// The word for this role in machine-readable output.
  public var keyword: String {
    switch self {
    case .weight: "weight"
    case .slot: "slot"
    case .iteration: "iteration"
    case .learningRate: "learningRate"
    case .lossScale: "lossScale"
    case .untied, .other: "other"
    }
  }

  /// True of what a restore carries unless told otherwise.
  public var isState: Bool { self != .other && self != .untied }
}

extension CheckpointEntry {
  /// Ranges of rows (along the first axis) that cover the tensor in pieces of about `byteLimit`
  /// bytes; a scalar is one row.
  func slabs(ofAtMost byteLimit: Int) -> [Range<Int>] {
    let rows = shape.rank == 0 ? 1 : shape[0]
    guard rows > 0 else { return [] }
    let step = max(1, byteLimit / max(1, byteCount / rows))
    return stride(from: 0, to: rows, by: step).map { $0..<min($0 + step, rows) }
  }
}
