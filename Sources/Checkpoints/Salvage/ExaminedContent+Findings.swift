import Tensors

extension ExaminedContent {
  /// Judges every tensor that anything knows of.
  func assess() throws -> [TensorFinding] {
    let found = Dictionary(
      objects.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let records = (table?.records ?? []).filter { $0.kind == .dataset }
    let digested = Set(records.map(\.name))
    var findings: [TensorFinding] = []
    for record in records { findings.append(try judge(record, found[record.name]?.dataset)) }
    for object in objects where !digested.contains(object.path) {
      switch object.kind {
      case .group: findings += lostMembers(of: object)
      case .dataset(let dataset):
        if object.path != "/\(DigestTable.path)" {
          findings.append(try judge(object.path, dataset))
        }
      case .unreadable(let reason):
        // What lies below a broken group is told of by the digests that know it.
        if object.path != "/\(DigestTable.path)",
          !digested.contains(where: { $0.hasPrefix(object.path == "/" ? "/" : "\(object.path)/") })
        {
          findings.append(finding(object.path, .unreadable, reason))
        }
      }
    }
    let known = Set(findings.map(\.datasetPath))
    return findings + missing(but: known)
  }

  private func finding(
    _ path: String, _ verdict: TensorFinding.Verdict, _ reason: String,
    _ dataset: FoundDataset? = nil, byteCount: Int? = nil, place: TensorFinding.Place? = nil
  ) -> TensorFinding {
    TensorFinding(
      name: names.entries[path]?.name ?? path, datasetPath: path, verdict: verdict, reason: reason,
      shape: dataset?.shape, dtype: dataset?.dtype, byteCount: byteCount ?? dataset?.byteCount,
      place: place, content: index)
  }

  // MARK: - With digests

  private func judge(
    _ record: DigestTable.Record, _ dataset: FoundDataset?
  ) throws -> TensorFinding {
    guard let table else { preconditionFailure("a record without a table") }
    let content = try content()
    // A damaged header may tell another shape; the digests know how many bytes there were.
    let dataset = dataset.flatMap { $0.byteCount == record.byteCount ? $0 : nil }
    var places = [record.offset]
    // Where another program has written the file since, the tensor may lie elsewhere.
    if let offset = dataset?.offset, offset != record.offset { places.append(offset) }
    var reason: String?
    for offset in places {
      let damage = try self.damage(of: record, at: offset, in: content)
      guard let damage else {
        let count = "\(record.digestCount) digest\(record.digestCount == 1 ? "" : "s")"
        let lost = dataset == nil ? "; its shape and type are lost" : ""
        return finding(
          record.name, .intact, "\(table.algorithm.title) of \(count) matches\(lost)", dataset,
          byteCount: record.byteCount, place: .content(offset))
      }
      reason = reason ?? damage
    }
    return finding(
      record.name, .damaged, reason ?? "", dataset, byteCount: record.byteCount)
  }

  /// What is wrong with the bytes at a place; nil when they are those of the record.
  private func damage(
    of record: DigestTable.Record, at offset: Int, in content: borrowing FileContent
  ) throws -> String? {
    guard let table else { return nil }
    let digests = TensorDigests(table: table, record: record)
    var lost: [Int] = []
    var gone = 0
    for block in 0..<record.digestCount {
      let range = record.range(ofBlock: block)
      guard offset >= 0, offset + range.upperBound <= content.byteCount else {
        gone += 1
        continue
      }
      let bytes = try content.read(offset + range.lowerBound..<offset + range.upperBound)
      if !bytes.withUnsafeBytes({ digests.damage(in: $0, from: range.lowerBound) }).isEmpty {
        lost.append(block)
      }
    }
    if gone == 0, lost.isEmpty { return nil }
    var words: [String] = []
    if let first = lost.first {
      let range = record.range(ofBlock: first)
      words.append(
        "\(lost.count) of \(record.digestCount) blocks are not what was written, the first at bytes"
          + " \(range.lowerBound)..<\(range.upperBound)")
    }
    if gone > 0 {
      words.append(
        "\(gone) of \(record.digestCount) blocks lie behind the end of the file")
    }
    return words.joined(separator: "; ")
  }

  // MARK: - Without digests

  private func judge(_ path: String, _ dataset: FoundDataset) throws -> TensorFinding {
    var place: TensorFinding.Place?
    if let offset = dataset.offset {
      place = .content(offset)
      let content = try content()
      let end = offset + dataset.byteCount
      guard end <= content.byteCount else {
        let left = max(0, content.byteCount - offset)
        return finding(
          path, .damaged, "cut off: \(left) of \(dataset.byteCount) bytes are left", dataset)
      }
    } else if let number = dataset.spoolNumber {
      place = .spool(spoolFile(number))
    }
    switch checks[path] {
    case true?:
      return finding(path, .intact, "CRC-32 of its member matches", dataset, place: place)
    case false?:
      return finding(path, .damaged, "its checksum does not match its bytes", dataset)
    case nil where piece.isProven == true:
      return finding(
        path, .intact, "CRC-32 of \(ArchiveLayout.weightsMember) matches", dataset, place: place)
    case nil: break
    }
    let isSum = names.isSumOfSquares(path)
    let mayHaveZeroRows = names.mayHaveZeroRows(path)
    if let suspicion = dataset.signs.suspicion(
      isSumOfSquares: isSum, mayHaveZeroRows: mayHaveZeroRows)
    {
      return finding(path, .suspect, suspicion, dataset, place: place)
    }
    return finding(
      path, .plausible, "no digest; readable, finite\(isSum ? ", nowhere negative" : "")", dataset,
      place: place)
  }

  /// A group whose members cannot be listed.
  private func lostMembers(of group: FoundObject) -> [TensorFinding] {
    group.lostAttributes.filter { $0.name == "(members)" }.map {
      finding(group.path, .unreadable, "its members cannot be listed: \($0.reason)")
    }
  }

  /// Tensors that the whole-model layout lists by name and that nothing else has found.
  private func missing(but known: Set<String>) -> [TensorFinding] {
    objects.flatMap { group -> [TensorFinding] in
      group.attributes.flatMap { attribute -> [TensorFinding] in
        guard attribute.name.hasPrefix("weight_names"), let names = attribute.value.texts else {
          return []
        }
        return names.map { "\(group.path)/\($0)" }.filter { !known.contains($0) }.map {
          finding($0, .missing, "its group names it, nothing leads to it")
        }
      }
    }
  }
}

extension AttributeValue {
  /// The texts of a list; nil for anything else.
  fileprivate var texts: [String]? {
    switch self {
    case .asciiList(let texts), .fixedList(let texts, _): texts
    case .ascii, .utf8, .emptyList, .integer: nil
    }
  }
}
