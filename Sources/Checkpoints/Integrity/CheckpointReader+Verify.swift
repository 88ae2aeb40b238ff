import HDF5
import Tensors

extension CheckpointReader {
  /// Compares a checkpoint with the digests in it.
  ///
  /// Everything is read: the tensors, what stands around them, and the documents beside them. Damage is
  /// in the report and not an error. libhdf5 opens the file, for the names of the tensors, only when what it
  /// parses is as it was written, or when there is nothing to compare it with. An outline in the digests is
  /// compared with what libhdf5 finds.
  ///
  /// - Parameters:
  ///   - only: patterns of the tensors' canonical names; the others are not read. Empty for all.
  ///   - threadCount: how many threads read.
  /// - Throws: `unreadable`, `unrecognized`, `inconsistent` for what cannot be opened at all, `unsupported`
  ///   for digests of a later version, `refused` when no tensor matches.
  /// - Complexity: reads the files once, with 1 MiB of memory for each thread.
  public static func verify(
    _ path: String, only: [Glob] = [], threadCount: Int = 2
  ) throws(CheckpointError) -> VerificationReport {
    do {
      var verification = try Verification(path, only: only, threadCount: threadCount)
      let report = try verification.report()
      guard only.isEmpty || !report.tensors.isEmpty || !report.isWhole else {
        throw CheckpointError(
          .refused, "cannot verify", path: path, problem: "no tensor has such a name",
          cure: "checkpoint-inspect show lists the names")
      }
      return report
    } catch {
      throw CheckpointError.reading(path, error)
    }
  }
}

/// One run of ``CheckpointReader/verify(_:only:threadCount:)``.
private struct Verification {
  typealias Item = VerificationReport.Item

  private let path: String
  private let only: [Glob]
  private let threadCount: Int
  private let kind: LocatedCheckpoint.Kind
  private var files: [FileVerification]

  init(_ path: String, only: [Glob], threadCount: Int) throws {
    self.path = path
    self.only = only
    self.threadCount = threadCount
    let located = try LocatedCheckpoint(path)
    kind = located.kind
    files = try located.contents.map {
      try FileVerification($0, document: located.document)
    }
  }

  mutating func report() throws -> VerificationReport {
    let isReadable = try files.allSatisfy { try $0.isReadable() }
    if isReadable { for index in files.indices { try files[index].checkOutline() } }
    var others = files.flatMap(\.items)
    let tensors: [Item]
    if isReadable {
      let reader = try CheckpointReader(opening: path, verifying: false)
      let entries = reader.manifest.entries
      let names = Dictionary(entries.map { ($0.datasetPath, $0.name) }) { first, _ in first }
      var items = try coveredTensors(names)
      let (stale, marks) = try staleTensors(of: reader, but: items)
      others += marks
      items.merge(stale) { first, _ in first }
      let order = entries.map(\.datasetPath)
      let rest = items.keys.filter { names[$0] == nil }.sorted()
      tensors = (order + rest).compactMap { items[$0] }
    } else {
      tensors = try coveredTensors([:]).sorted { $0.key < $1.key }.map(\.value)
    }
    if let frame = try frame() { others.append(frame) }
    return VerificationReport(
      path: path, algorithm: files.lazy.compactMap(\.table).first?.algorithm,
      roots: files.compactMap { $0.table?.root.hexadecimal }, items: tensors + others)
  }

  /// What stands around the files with tensors; nil where nothing does.
  private func frame() throws -> Item? {
    switch kind {
    case .archive(let archive):
      let documents = files.flatMap(\.items).filter { $0.subject == .document }.map(\.name)
      let content = files.allSatisfy { $0.table != nil } ? [ArchiveLayout.weightsMember] : []
      return try ArchiveVerification(archive).item(covered: Set(documents + content))
    case .shards(let map):
      let tables = files.compactMap(\.table)
      return tables.count == files.count ? try map.item(path: path, tables: tables) : nil
    case .file, .folder, .safetensors, .npz: return nil
    }
  }

  private func isChosen(_ name: String) -> Bool {
    only.isEmpty || only.contains { $0.matches(name) }
  }

  /// The outcomes of all chosen tensors that tables cover, by dataset.
  ///
  /// - Parameter names: the canonical ones; others go by their datasets' paths.
  private func coveredTensors(_ names: [String: String]) throws -> [String: Item] {
    var items: [String: Item] = [:]
    for file in files {
      let records = (file.table?.records ?? []).filter {
        $0.kind == .dataset && isChosen(names[$0.name] ?? $0.name)
      }
      for (record, outcome) in zip(
        records, try file.verify(records, threadCount: threadCount))
      {
        items[record.name] = Item(
          subject: record.name.hasPrefix("/\(CairnGroup.textsPath)/") ? .document : .tensor,
          name: names[record.name] ?? record.name, file: file.path,
          fileOffset: file.position(of: record), byteCount: record.byteCount, outcome: outcome)
      }
    }
    return items
  }

  /// The tensors of files without end mark. Where there is a table all the same, another program has
  /// written the file since: the tensors are read through libhdf5 wherever they lie now.
  private func staleTensors(
    of reader: borrowing CheckpointReader, but covered: [String: Item]
  ) throws -> (tensors: [String: Item], others: [Item]) {
    var tables: [ObjectIdentifier: DigestTable] = [:]
    var others: [Item] = []
    for (file, open) in zip(files, reader.storage.files) where file.table == nil {
      do {
        guard let table = try DigestTable(inside: open.file) else { continue }
        tables[ObjectIdentifier(open)] = table
        // Compressing an archive anew leaves the content as it is, and out of sight.
        if file.isCompressed { continue }
        others.append(
          FileVerification.damagedTable(
            in: file.path,
            "the mark behind the content is missing: the file was cut short, or another program has"
              + " written it since"))
      } catch let error as CheckpointError where error.kind == .damaged {
        others.append(FileVerification.damagedTable(in: file.path, error.problem))
      }
    }
    var items: [String: Item] = [:]
    for entry in reader.manifest.entries
    where covered[entry.datasetPath] == nil && isChosen(entry.name) {
      let open = reader.storage.file(of: entry)
      var outcome = VerificationReport.Outcome.notCovered
      if let open, let table = tables[ObjectIdentifier(open)],
        let record = table.record(entry.datasetPath)
      {
        outcome = try Self.outcome(of: entry, record, of: table, reader)
      }
      items[entry.datasetPath] = Item(
        subject: .tensor, name: entry.name, file: open?.file.path ?? path, fileOffset: nil,
        byteCount: entry.byteCount, outcome: outcome)
    }
    return (items, others)
  }

  private static func outcome(
    of entry: CheckpointEntry, _ record: DigestTable.Record, of table: DigestTable,
    _ reader: borrowing CheckpointReader
  ) throws -> VerificationReport.Outcome {
    guard record.byteCount == entry.byteCount else {
      return .damaged(
        "expected \(record.byteCount) bytes, found \(entry.byteCount)", blocks: [])
    }
    var check = TensorCheck(TensorDigests(table: table, record: record))
    try reader.source(of: entry).forEachBlock(verifying: false) { block in
      block.withUnsafeBytes { check.update($0) }
    }
    return .init(check.damage)
  }
}
