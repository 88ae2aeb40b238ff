#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a rescue makes up for tensors that are lost.
public enum RescueFill: String, Sendable, CaseIterable {
  /// All elements zero.
  case zeros
  /// What training began with, where that is known without drawing lots: accumulators at the optimizer's own
  /// initial value, other slots at zero, averages at their weights, biases at zero, gamma and moving
  /// variances at one. Kernels and embeddings begin at random and are refused.
  case initial
  /// Nothing: it is left out. Only for files of plain tensors, which may hold any; Keras wants all variables of
  /// a model.
  case nothing
}

/// What a rescue wrote, and where each tensor of it came from.
public struct RescueLog: Sendable {
  /// The file that was written.
  public let output: String
  /// In the file's order.
  public internal(set) var tensors: [Origin]
  /// What else differs from the damaged file.
  public internal(set) var notes: [String]

  /// Where a tensor came from.
  public struct Origin: Sendable {
    public let name: String
    public let datasetPath: String
    public let source: Source
    /// What the examination said about it; nil for one that the damaged file never had.
    public let verdict: TensorFinding.Verdict?
  }

  public enum Source: Sendable, Hashable {
    /// The damaged file.
    case own
    /// Another checkpoint.
    case older(String)
    /// Made up: with what, in words.
    case filled(String)
  }

  /// Those that are not the damaged file's own.
  public var replaced: [Origin] { tensors.filter { $0.source != .own } }
}

extension Examination {
  /// Writes a checkpoint of what is left, in the damaged one's layout, whole or not at all.
  ///
  /// Its groups and attributes are the damaged file's own, unless digests say that these are damaged, or they
  /// do not make a checkpoint any more: then they are those of `older`.
  ///
  /// - Parameters:
  ///   - older: a whole checkpoint of the same model and layout, for what is lost.
  ///   - fill: for what `older` does not have either; nil to refuse.
  ///   - keepingSuspect: whether tensors are taken whose elements do not look right.
  /// - Throws: `refused` when something is lost and nothing makes up for it, or when what is left is no
  ///   checkpoint; `outputExists`; `unwritable`.
  public func rescue(
    to output: String, older: Examination? = nil, fill: RescueFill? = nil,
    keepingSuspect: Bool = false
  ) throws(CheckpointError) -> RescueLog {
    guard FolderTree.kind(of: output) == nil else {
      throw CheckpointError.saving(output, SystemCallError("link", code: EEXIST))
    }
    if let older { try older.requireWhole() }
    do {
      var plan = RescuePlan(
        of: self, older: older, fill: fill, keepingSuspect: keepingSuspect, output: output)
      return try plan.write()
    } catch {
      throw CheckpointError.saving(output, error)
    }
  }

  /// Throws where a checkpoint cannot stand in for another.
  private func requireWhole() throws(CheckpointError) {
    if let refusal {
      throw CheckpointError(
        .refused, "cannot fill from", path: path, problem: refusal,
        cure: "take another older checkpoint")
    }
    if let lost = findings.first(where: { !$0.verdict.isKept() }) {
      throw CheckpointError(
        .refused, "cannot fill from", path: path, object: lost.name,
        problem: "it is \(lost.verdict.rawValue) there: \(lost.reason)",
        cure: "take another older checkpoint")
    }
  }
}
