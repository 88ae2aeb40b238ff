import Tensors

/// A damaged checkpoint, gone through as far as anything can be read of it.
///
/// Three things are asked, none of which needs the others: digests, wherever the file still has its table of
/// them; libhdf5, in a process that may crash; the archive's checksums.
///
/// A class, because its scratch folder holds what tensors are read from, as long as anyone does.
public final class Examination {
  public let path: String
  /// Why the file does not open in the usual way; nil when it does.
  public private(set) var refusal: String?
  /// What is wrong with the file apart from its tensors, and what was done about it.
  public private(set) var notes: [String] = []
  /// Whether the structure around the tensors is as it was written.
  public private(set) var structure = Structure.notCovered
  public private(set) var findings: [TensorFinding] = []

  public enum Structure: String, Sendable {
    case intact
    case damaged
    /// No digest tells.
    case notCovered
  }

  let source: SalvageSource
  private(set) var objects: [FoundObject] = []
  private(set) var names: ManifestNames
  private(set) var table: DigestTable?
  /// Where the content begins in the file that holds its bytes.
  let contentOffset: Int
  private let scratch: SalvageScratch
  private var spoolFolder: String

  /// - Parameters:
  ///   - program: reads through libhdf5 in a process of its own.
  ///   - names: of another checkpoint of the same model; they stand in where this one's are lost.
  /// - Throws: `unreadable` for a file that the operating system does not read, `unsupported` for one that
  ///   consists of several or holds plain tensors.
  package init(
    _ path: String, by program: WalkingProgram, namesFrom other: Examination? = nil
  ) throws(CheckpointError) {
    self.path = path
    do {
      scratch = try SalvageScratch()
      spoolFolder = try scratch.folder("spool")
      source = try SalvageSource(path, scratch: scratch)
      let found = try DigestTable.salvage(
        from: source.contentPath, contentAt: source.window.lowerBound)
      table = found?.table
      contentOffset = found?.contentOffset ?? source.window.lowerBound
      names = try ManifestNames(of: path, by: program)
      refusal = names.refusal
      notes = source.notes
      let repaired = try walk(by: program)
      if refusal != nil {
        if let repaired, case .file = source.kind {
          names = try ManifestNames(of: repaired, by: program)
        }
        if names.entries.isEmpty, let other { names = other.names }
      }
      if let table {
        let isWhole = try table.holdsStructure(of: content())
        structure = isWhole ? .intact : .damaged
      }
      findings = try assess()
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }

  /// Where the content lies, as far as the file goes.
  private func window() throws(SystemCallError) -> Range<Int> {
    let end = try ReadableFile(source.contentPath).byteCount
    guard let table else { return source.window.clamped(to: 0..<end) }
    let content = contentOffset + table.contentByteCount + EndMark.byteCount
    return min(contentOffset, end)..<min(content, end)
  }

  func content() throws(SystemCallError) -> FileContent {
    try FileContent(source.contentPath, window: window())
  }

  /// Finds the objects; returns the copy of the content that had to be made for it, if any.
  private func walk(by program: WalkingProgram) throws -> String? {
    let first = try SupervisedWalk(
      program, source.contentPath, window: window(), spoolFolder: spoolFolder)
    objects = first.objects
    let isRefused = first.datasets.isEmpty
    let content = try content()
    let plan =
      content.byteCount > 0
      ? try SuperblockRepair.plan(for: content, isRefused: isRefused) : nil
    guard let plan else {
      if let failure = first.failure { notes.append("reading through libhdf5: \(failure)") }
      return nil
    }
    let copy = scratch.file("repaired.h5")
    try SuperblockRepair.copy(content, by: plan, to: copy)
    let spool = try scratch.folder("spool-of-repaired")
    let second = try SupervisedWalk(
      program, copy, window: 0..<plan.byteCount, spoolFolder: spool)
    notes.append(plan.note)
    guard second.datasets.count >= first.datasets.count else { return nil }
    objects = second.objects
    spoolFolder = spool
    if let failure = second.failure { notes.append("reading through libhdf5: \(failure)") }
    return copy
  }

  func spoolFile(_ number: Int) -> String { "\(spoolFolder)/\(number)" }
}

// MARK: - Reading

extension Examination {
  /// The elements of a tensor, of the given shape and dtype; nil where they cannot be read any more, or where
  /// digests say by now that they are others.
  func bytes(of finding: TensorFinding, count: Int) throws -> [UInt8]? {
    let bytes: [UInt8]
    switch finding.place {
    case .content(let offset):
      let content = try content()
      guard offset >= 0, offset + count <= content.byteCount else { return nil }
      bytes = try content.read(offset..<offset + count)
    case .spool(let path):
      let file = try ReadableFile(path)
      guard file.byteCount == count else { return nil }
      bytes = try file.read(0..<count)
    case nil: return nil
    }
    if finding.verdict == .intact, let table, let record = table.record(finding.datasetPath) {
      let digests = TensorDigests(table: table, record: record)
      let damage = bytes.withUnsafeBytes { digests.damage(in: $0, from: 0) }
      guard record.byteCount == count, damage.isEmpty else { return nil }
    }
    return bytes
  }
}
