public import Checkpoints

/// Goes through the checkpoints of a run, the oldest first, and makes a line of each.
///
/// The checkpoint before stays open, so that the change since then can be told even when a retention has
/// removed it meanwhile. Each file is read in pieces, twice at most; memory does not grow with the size
/// of the tensors.
public struct RunLog {
  public struct Options: Sendable {
    /// Whether tensors are read: norms, changes, NaN. Otherwise a line has what the file says at once.
    public var readsTensors = true
    /// The tensors that are read.
    public var filter = TensorFilter.all
    /// Whether tensors are compared with the digests of their files.
    public var verifies = true

    public init() {}
  }

  private let options: Options
  private var previous: OpenCheckpoint?
  private var losses = SpikeDetector()
  private var changes = SpikeDetector()

  /// A class so that a value can keep a reader, which cannot be copied.
  private final class OpenCheckpoint {
    let reader: CheckpointReader
    let record: RunRecord

    init(_ reader: consuming CheckpointReader) {
      record = RunRecord(reader.manifest)
      self.reader = reader
    }
  }

  public init(_ options: Options = Options()) { self.options = options }

  /// The checkpoints of a folder, the oldest first: those of other programs by the times of their files,
  /// then those of saved steps.
  ///
  /// - Throws: `unrecognized` when the path is no folder with checkpoints.
  public static func checkpoints(inFolder folder: String) throws(CheckpointError) -> [String] {
    let paths = try CheckpointReader.checkpoints(inFolder: folder)
    guard let paths, !paths.isEmpty else {
      let found = paths == nil ? "no folder of this name" : "none in it"
      throw CheckpointError(
        .unrecognized, "cannot look through", path: folder,
        problem: "expected a folder with checkpoints, found \(found)",
        cure: "name the folder that cairn train --checkpoints, or Keras, saves to")
    }
    return paths.reversed()
  }

  /// Throws `refused` when a pattern matches no tensor of the newest checkpoint that can be opened: names
  /// stay the same in a run.
  ///
  /// - Parameter paths: of the checkpoints, the oldest first.
  public static func requireNames(
    _ filter: TensorFilter, in paths: [String]
  ) throws(CheckpointError) {
    guard !filter.only.isEmpty || !filter.excluding.isEmpty else { return }
    for path in paths.reversed() {
      let manifest: CheckpointManifest
      do throws(CheckpointError) {
        manifest = try CheckpointReader(opening: path, verifying: false).manifest
      } catch {
        // What is wrong with it is told when its turn comes.
        continue
      }
      try filter.requireNames(in: [manifest], to: "look at", path: path)
      return
    }
  }

  /// The line of the next checkpoint; one that cannot be read has only its trouble to tell.
  public mutating func entry(of path: String) -> LogEntry {
    var entry = LogEntry(path: path, time: FileTime(of: path))
    do throws(CheckpointError) {
      let open = OpenCheckpoint(
        try CheckpointReader(opening: path, verifying: options.verifies))
      var content = LogEntry.Content(record: open.record)
      setLoss(of: &content)
      if options.readsTensors {
        let numbers = try CheckpointNumbers(open.reader, options.filter)
        content.numbers = numbers
        if numbers.nonFiniteCount > 0 { content.marks.append(.notFinite) }
        if let previous {
          content.change = try CheckpointChange(
            from: previous.reader, to: open.reader, options.filter)
          markChange(&content, since: previous.record.step)
        }
      }
      entry.content = content
      previous = open
    } catch {
      entry.trouble = error.description
    }
    return entry
  }

  private mutating func setLoss(of content: inout LogEntry.Content) {
    content.loss = RecordedLoss(content.record, since: previous?.record)
    let greatest = content.loss?.greatest
    if let greatest, !greatest.isFinite {
      content.marks.append(.lossNotFinite)
    } else if losses.isSpike(greatest) {
      content.marks.append(.lossSpike)
    }
  }

  private mutating func markChange(_ content: inout LogEntry.Content, since before: Int?) {
    guard let change = content.change, let relative = change.relative else { return }
    if change.largest == 0 { content.marks.append(.unchanged) }
    var steps = 1
    if let before, let step = content.record.step, step > before { steps = step - before }
    if changes.isSpike(relative / Double(steps)) { content.marks.append(.changeSpike) }
  }
}
