/// A line of a ``LogReport``: one checkpoint of a run.
public struct LogEntry: Sendable, Hashable {
  public let path: String
  let time: FileTime?
  var content: Content?
  /// Why it could not be read, where it could not.
  public var trouble: String?

  /// What was read.
  struct Content: Sendable, Hashable {
    var record: RunRecord
    /// Nil where no loss is known.
    var loss: RecordedLoss?
    /// Nil when no numbers were asked for.
    var numbers: CheckpointNumbers?
    /// Nil for the first, and when no numbers were asked for.
    var change: CheckpointChange?
    var marks: [Mark] = []
  }

  /// What a reader should look at.
  public enum Mark: String, Sendable, Hashable, CaseIterable {
    /// A loss since the checkpoint before stands out above the earlier ones (`SpikeDetector`).
    case lossSpike
    /// The change of the weights for each step does.
    case changeSpike
    /// A loss is NaN or infinite.
    case lossNotFinite
    /// NaN or infinity in a weight or a slot.
    case notFinite
    /// No weight changed since the checkpoint before.
    case unchanged
  }

  /// The last component of ``path``.
  var name: String { String(path.split(separator: "/").last ?? "") }

  /// Steps of the run when it was saved; else updates of the optimizer. Nil when the file tells neither,
  /// or cannot be read.
  public var step: Int? { content?.record.step }

  public var marks: [Mark] { content?.marks ?? [] }
}
