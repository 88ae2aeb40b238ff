public import Tensors

/// What an examination found out about one tensor of a damaged checkpoint.
public struct TensorFinding: Sendable {
  /// The canonical name; where the checkpoint does not tell it any more, the dataset's path.
  public let name: String
  /// Inside the HDF5 content.
  public let datasetPath: String
  public let verdict: Verdict
  /// Why, in words.
  public let reason: String
  /// Nil where only the structure told, and is lost.
  public let shape: Shape?
  public let dtype: DType?
  /// Of its elements; nil where nothing tells.
  public let byteCount: Int?
  /// Where its elements can be read.
  let place: Place?
  /// In which of the checkpoint's contents.
  var content = 0

  public enum Verdict: String, Sendable, CaseIterable {
    /// Proven by digests or a checksum: every byte is as it was written.
    case intact
    /// Nothing proves it, and nothing speaks against it: the structure leads to it, its elements look like
    /// those of such a tensor.
    case plausible
    /// It can be read, but its elements do not look like those of such a tensor.
    case suspect
    /// Some of its bytes are not those that were written, or are gone.
    case damaged
    /// Nothing leads to its elements.
    case unreadable
    /// The checkpoint names it, and has it not.
    case missing
  }

  enum Place: Sendable, Hashable {
    /// So many bytes from the beginning of the content.
    case content(Int)
    /// In a file of their own.
    case spool(String)
  }
}

extension TensorFinding.Verdict {
  /// Whether a rescue takes such a tensor.
  public func isKept(keepingSuspect: Bool = false) -> Bool {
    switch self {
    case .intact, .plausible: true
    case .suspect: keepingSuspect
    case .damaged, .unreadable, .missing: false
    }
  }
}
