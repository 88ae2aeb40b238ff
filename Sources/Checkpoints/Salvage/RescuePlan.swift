import KerasConfiguration
import Tensors

/// One rescue: which objects the new file has, and where the elements of each tensor come from.
struct RescuePlan {
  let damaged: Examination
  private let older: Examination?
  private let fill: RescueFill?
  private let output: String
  private let keepingSuspect: Bool
  private(set) var findings: [String: TensorFinding]
  private var log: RescueLog

  init(
    of damaged: Examination, older: Examination?, fill: RescueFill?, keepingSuspect: Bool,
    output: String
  ) {
    self.damaged = damaged
    self.older = older
    self.fill = fill
    self.keepingSuspect = keepingSuspect
    self.output = output
    findings = Dictionary(
      damaged.findings.map { ($0.datasetPath, $0) }, uniquingKeysWith: { first, _ in first })
    log = RescueLog(output: output, tensors: [], notes: [])
  }

  /// A tensor of the new file.
  struct Part {
    let path: String
    var value: Tensor
    var source: RescueLog.Source
  }

  mutating func write() throws -> RescueLog {
    try requirePlainTensorsIfLeavingOut()
    let skeleton = try skeleton()
    var parts = try parts(of: skeleton)
    let lost = parts.contains { if case .filled = $0.source { true } else { false } }
    var draft = try draft(skeleton, parts)
    if lost, fill == .initial {
      try startAnew(&parts, as: draft)
      draft = try self.draft(skeleton, parts)
    }
    let names = try commit(draft)
    log.tensors = parts.map { part in
      RescueLog.Origin(
        name: names[part.path] ?? part.path, datasetPath: part.path, source: part.source,
        verdict: findings[part.path]?.verdict)
    }
    return log
  }

  // MARK: - Objects

  /// The checkpoint whose groups and attributes the new file gets.
  private mutating func skeleton() throws -> Examination {
    let isTrusted =
      damaged.structure == .intact || (damaged.structure == .notCovered && damaged.refusal == nil)
    if isTrusted { return damaged }
    guard let older else {
      if damaged.structure == .damaged {
        log.notes.append(
          "the structure (names, shapes, configuration) is damaged and was taken as it can be read")
      }
      return damaged
    }
    log.notes.append(
      "the structure (names, shapes, configuration) is that of \(older.path): the file's own is damaged"
    )
    return older
  }

  private mutating func parts(of skeleton: Examination) throws -> [Part] {
    var parts: [Part] = []
    var lost: [TensorFinding] = []
    var paths = skeleton.objects.compactMap { $0.dataset == nil ? nil : $0.path }
    let there = Set(paths)
    // What the file names, but has lost the shape of, only an older one can tell.
    paths += damaged.findings.map(\.datasetPath).filter { !there.contains($0) }
    for path in paths where path != "/\(DigestTable.path)" {
      let own = damaged.objects.first { $0.path == path }?.dataset
      let old = older?.objects.first { $0.path == path }?.dataset
      let finding = findings[path]
      // Digests prove bytes, not shapes: where the structure is damaged, the older one tells these.
      guard let form = skeleton === damaged ? own ?? old ?? Self.form(told: finding) : old else {
        if let finding, !isLeftOut(finding, skeleton) { lost.append(finding) }
        continue
      }
      if let part = try part(path, form, finding) {
        parts.append(part)
      } else if fill == .nothing {
        noteLeftOut(path, finding?.reason ?? "the file does not have it")
      } else {
        lost.append(
          finding
            ?? TensorFinding(
              name: path, datasetPath: path, verdict: .missing, reason: "the file does not have it",
              shape: form.shape, dtype: form.dtype, byteCount: form.byteCount, place: nil))
      }
    }
    guard lost.isEmpty else { throw refusal(lost) }
    guard !parts.isEmpty else { throw refusal([]) }
    return parts
  }

  /// The shape and type of a tensor that is gone, where the file tells them; nil otherwise.
  private static func form(told finding: TensorFinding?) -> FoundDataset? {
    guard let finding, finding.verdict == .missing, let shape = finding.shape,
      let dtype = finding.dtype
    else { return nil }
    return FoundDataset(
      shape: shape, dtype: dtype, offset: nil, spoolNumber: nil, signs: TensorSigns())
  }

  /// Whether the new file can do without something that no digest and no older checkpoint knows: what a
  /// damaged structure makes up; Cairn's own group; and, when losses may be made up for, whatever cannot be,
  /// since nothing is known of it.
  private mutating func isLeftOut(_ finding: TensorFinding, _ skeleton: Examination) -> Bool {
    let path = finding.datasetPath
    if damaged.isDigested(path) { return false }
    if skeleton !== damaged {
      if skeleton.objects.contains(where: { $0.path.hasPrefix(path) }) { return true }
    } else {
      guard finding.byteCount == nil, fill != nil || path.hasPrefix("/\(CairnGroup.path)") else {
        return false
      }
    }
    noteLeftOut(path, finding.reason)
    return true
  }

  private mutating func noteLeftOut(_ path: String, _ reason: String) {
    log.notes.append("\(Self.objectIsGone) \(path): \(reason)")
  }

  private func requirePlainTensorsIfLeavingOut() throws(CheckpointError) {
    guard fill == .nothing else { return }
    guard case .plain = damaged.source.kind else {
      throw CheckpointError(
        .refused, "cannot rescue", path: damaged.path,
        problem:
          "only .npz and .safetensors may lack tensors, Keras wants all variables of a model",
        cure: "--fill-from OLDER, --fill zeros or --fill initial")
    }
  }

  private func part(
    _ path: String, _ form: FoundDataset, _ finding: TensorFinding?
  ) throws -> Part? {
    if let finding, finding.verdict.isKept(keepingSuspect: keepingSuspect),
      finding.byteCount == form.byteCount, finding.dtype ?? form.dtype == form.dtype,
      let bytes = try damaged.bytes(of: finding, count: form.byteCount)
    {
      return Part(path: path, value: tensor(form, bytes), source: .own)
    }
    if let older, let finding = older.findings.first(where: { $0.datasetPath == path }),
      finding.shape == form.shape, finding.dtype == form.dtype,
      let bytes = try older.bytes(of: finding, count: form.byteCount)
    {
      return Part(path: path, value: tensor(form, bytes), source: .older(older.path))
    }
    guard let fill, fill != .nothing else { return nil }
    return Part(
      path: path, value: Tensor(zeros: form.shape, dtype: form.dtype), source: .filled("zeros"))
  }

  private func tensor(_ form: FoundDataset, _ bytes: [UInt8]) -> Tensor {
    Tensor(shape: form.shape, dtype: form.dtype) { $0.copyBytes(from: bytes) }
  }

  /// What a file of plain tensors can do, too.
  private var leavingOut: String {
    if case .plain = damaged.source.kind { ", --fill nothing leaves them out" } else { "" }
  }

  private func refusal(_ lost: [TensorFinding]) -> CheckpointError {
    let names = lost.prefix(3).map { finding in
      let isFormless = finding.verdict.isKept() && finding.shape == nil
      return "\(finding.name) (\(isFormless ? "shape and type" : finding.verdict.rawValue))"
    }
    let others = lost.count > 3 ? " and \(lost.count - 3) more" : ""
    let cure =
      lost.allSatisfy { $0.shape == nil } && older == nil
      ? "--fill-from OLDER lends the shapes and types of an older checkpoint"
      : older == nil
        ? "--fill-from OLDER takes them from an older checkpoint; --fill zeros or initial makes them up"
          + leavingOut
        : "--fill zeros or initial makes up what the older checkpoint does not have in this form"
          + leavingOut
    return CheckpointError(
      .refused, "cannot rescue", path: damaged.path,
      problem: lost.isEmpty
        ? "no tensor can be read" : "lost: \(names.joined(separator: ", "))\(others)",
      cure: lost.isEmpty ? "take another copy or an older checkpoint" : cure)
  }

  // MARK: - The file

  private mutating func draft(_ skeleton: Examination, _ parts: [Part]) throws -> RescueDraft {
    guard case .plain(let format) = damaged.source.kind else {
      return .hdf5(try plan(skeleton, parts))
    }
    let lender = [damaged, older].compactMap { $0 }.first { $0.plainMetadata != nil }
    if let lender, lender !== damaged {
      log.notes.removeAll { $0.hasPrefix("the roles") }
      log.notes.append("the roles of the tensors are those of \(lender.path)")
    }
    return .plain(
      PlainFile(
        format: format, tensors: parts.map { ($0.path, $0.value.shape, $0.value.dtype) },
        metadata: lender?.plainMetadata.map {
          PlainMetadata.restricted($0, to: Set(parts.map(\.path)))
        }), parts.map(\.value))
  }

  private mutating func plan(_ skeleton: Examination, _ parts: [Part]) throws -> FilePlan {
    var plan = FilePlan()
    let isMixed = parts.contains { $0.source != .own }
    let ofRun = [CairnGroup.arraysPath, CairnGroup.textsPath]
    for object in skeleton.objects {
      guard case .group = object.kind else { continue }
      plan.groups.append(
        .init(path: String(object.path.dropFirst()), attributes: object.attributes))
    }
    // The digests stand in Cairn's own group, which tells its version.
    let hasGroup = plan.groups.contains { group in
      group.path == CairnGroup.path && group.attributes.contains { $0.name == "format_version" }
    }
    if !hasGroup {
      plan.groups.append(
        .init(
          path: CairnGroup.path,
          attributes: [("format_version", .integer(CairnGroup.formatVersion))]))
    }
    for part in parts {
      let path = String(part.path.dropFirst())
      // The record of a run belongs to the tensors with which it was saved.
      if isMixed, ofRun.contains(where: { path.hasPrefix("\($0)/") }) { continue }
      plan.datasets.append(.init(path: path, value: part.value))
    }
    if isMixed { plan.groups.removeAll { ofRun.contains($0.path) } }
    log.notes.removeAll { $0.hasPrefix(Self.runIsGone) || $0.hasPrefix(Self.attributeIsGone) }
    let hasRun = skeleton.objects.contains { $0.path == "/\(CairnGroup.resumptionPath)" }
    if isMixed, hasRun { log.notes.append("\(Self.runIsGone): the run cannot be resumed from it") }
    for object in skeleton.objects {
      for (name, reason) in object.lostAttributes where name != "(members)" {
        log.notes.append("\(Self.attributeIsGone) \(object.path)@\(name): \(reason)")
      }
    }
    plan.digests = .crc32c
    plan.wrapping = try wrapping(skeleton)
    return plan
  }

  private static let runIsGone =
    "the record of the run is left out, since tensors are not of one time"
  private static let attributeIsGone = "left out the attribute"
  private static let objectIsGone = "left out"

  private mutating func wrapping(_ skeleton: Examination) throws -> FilePlan.Wrapping {
    switch damaged.source.kind {
    case .file, .plain: return .none
    case .shards: return .shards(maximumByteCount: damaged.greatestVariableByteCount)
    case .folder, .archive: break
    }
    var documents: [(name: String, content: [UInt8])] = []
    for name in [ArchiveLayout.metadataMember, ArchiveLayout.configurationMember] {
      let sources = skeleton === damaged ? [damaged, older] : [older, damaged]
      for source in sources {
        guard let source, let content = try source.source.document(name) else { continue }
        if source !== damaged {
          let note = "\(name) is that of \(source.path)"
          if !log.notes.contains(note) { log.notes.append(note) }
        }
        documents.append((name, content))
        break
      }
    }
    if case .folder = damaged.source.kind { return .folder(documents) }
    return .archive(documents)
  }

  /// Writes the file under another name, opens it, and gives it its own. Of sharded weights one file is
  /// written and opened first: they name each other, and cannot be renamed.
  ///
  /// - Returns: the canonical names of its datasets.
  private func commit(_ draft: RescueDraft) throws -> [String: String] {
    let folder = FileSystem.folder(of: output)
    let temporary = "\(folder)/\(PendingName(for: FileSystem.name(of: output)).text)"
    defer { FolderTree.remove(temporary) }
    do {
      try draft.write(to: temporary)
    } catch let error as CheckpointError {
      throw error.naming(temporary, output)
    }
    let names: [String: String]
    do throws(CheckpointError) {
      names = Dictionary(
        try CheckpointReader(opening: temporary).manifest.entries.map { ($0.datasetPath, $0.name) },
        uniquingKeysWith: { first, _ in first })
    } catch {
      throw CheckpointError(
        .refused, "cannot rescue", path: damaged.path,
        problem: "what is left of it is no checkpoint: \(error.problem)",
        cure: older == nil
          ? "--fill-from OLDER lends the structure of an older checkpoint"
          : "take an older checkpoint of the same model and layout", cause: error)
    }
    if case .hdf5(let plan) = draft, plan.wrapping.isShards {
      FolderTree.remove(temporary)
      try plan.write(to: output, replacing: false, threadCount: 2)
      return names
    }
    if FolderTree.kind(of: temporary) == .folder {
      try FileSystem.renameWithoutReplacing(temporary, output)
    } else {
      try FileSystem.name(output, file: temporary)
    }
    try FileSystem.synchronizeFolder(folder)
    return names
  }
}
