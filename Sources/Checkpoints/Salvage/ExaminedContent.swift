import Tensors

/// One file with tensors of a checkpoint that may be damaged, gone through as far as anything can be read of
/// it.
///
/// A class, because what was found is judged when the names of all contents are known.
final class ExaminedContent {
  let piece: SalvageSource.Piece
  /// Which of the checkpoint's contents it is.
  let index: Int
  let objects: [FoundObject]
  let table: DigestTable?
  /// Whether its structure is as it was written; nil where no digest tells.
  let holdsStructure: Bool?
  let notes: [String]
  /// The copy that had to be made of it so that libhdf5 opens it, if any.
  let repairedCopy: String?
  /// Datasets with a checksum of their own, and whether it matches.
  let checks: [String: Bool]
  /// Where the content begins in the file that holds its bytes.
  private let contentOffset: Int
  private let spoolFolder: String
  var names = ManifestNames()

  /// Walks through HDF5 content: by its digests, wherever their table still stands, and by libhdf5, in a
  /// process that may crash.
  init(
    _ piece: SalvageSource.Piece, index: Int, by program: WalkingProgram,
    scratch: borrowing SalvageScratch
  ) throws {
    self.piece = piece
    self.index = index
    let found = try DigestTable.salvage(from: piece.path, contentAt: piece.window.lowerBound)
    table = found?.table
    contentOffset = found?.contentOffset ?? piece.window.lowerBound
    checks = [:]
    let window = try Self.window(piece, contentOffset, table)
    let content = try FileContent(piece.path, window: window)
    holdsStructure = try table.map { try $0.holdsStructure(of: content) }
    let spool = try scratch.folder("spool-\(index)")
    let first = try SupervisedWalk(program, piece.path, window: window, spoolFolder: spool)
    func words(_ walk: SupervisedWalk) -> [String] {
      walk.failure.map { ["reading through libhdf5: \($0)"] } ?? []
    }
    let plan =
      content.byteCount > 0
      ? try SuperblockRepair.plan(for: content, isRefused: first.datasets.isEmpty) : nil
    guard let plan else {
      (objects, spoolFolder, repairedCopy) = (first.objects, spool, nil)
      notes = words(first)
      return
    }
    let copy = scratch.file("repaired-\(index).h5")
    try SuperblockRepair.copy(content, by: plan, to: copy)
    let otherSpool = try scratch.folder("spool-of-repaired-\(index)")
    let second = try SupervisedWalk(
      program, copy, window: 0..<plan.byteCount, spoolFolder: otherSpool)
    guard second.datasets.count >= first.datasets.count else {
      (objects, spoolFolder, repairedCopy) = (first.objects, spool, nil)
      notes = [plan.note]
      return
    }
    (objects, spoolFolder, repairedCopy) = (second.objects, otherSpool, copy)
    notes = [plan.note] + words(second)
  }

  /// Plain tensors, which have neither structure nor digests.
  init(_ tensors: SalvagedTensors, spoolFolder: String) {
    piece = tensors.piece
    index = 0
    objects = tensors.objects
    checks = tensors.checks
    table = nil
    holdsStructure = nil
    notes = []
    repairedCopy = nil
    contentOffset = 0
    self.spoolFolder = spoolFolder
  }

  /// Where the content lies, as far as the file goes.
  private static func window(
    _ piece: SalvageSource.Piece, _ contentOffset: Int, _ table: DigestTable?
  ) throws(SystemCallError) -> Range<Int> {
    let end = try ReadableFile(piece.path).byteCount
    guard let table else { return piece.window.clamped(to: 0..<end) }
    let content = contentOffset + table.contentByteCount + EndMark.byteCount
    return min(contentOffset, end)..<min(content, end)
  }

  func content() throws(SystemCallError) -> FileContent {
    try FileContent(piece.path, window: Self.window(piece, contentOffset, table))
  }

  func spoolFile(_ number: Int) -> String { "\(spoolFolder)/\(number)" }

  /// The elements of a tensor that was found here; nil where they cannot be read any more, or where digests
  /// say by now that they are others.
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
