import KerasConfiguration

extension SalvageSource {
  /// The format of a file of plain tensors; nil for anything else.
  static func plainFormat(of path: String) throws -> ExportFormat? {
    let file = try ReadableFile(path)
    let head = try file.read(0..<min(9, file.byteCount))
    // A header that is damaged, or whose end is cut off, still bears the file's name.
    if Safetensors.isLaidOut(head, byteCount: .max) || path.hasSuffix(".safetensors") {
      return .safetensors
    }
    guard try ZipArchive.isArchive(path) || path.hasSuffix(ExportFormat.npz.fileSuffix) else {
      return nil
    }
    let members = try SalvagedArchive(path).members
    let isNumPy = members.allSatisfy { $0.name.hasSuffix(NumPyArchive.suffix) }
    return isNumPy && (!members.isEmpty || path.hasSuffix(ExportFormat.npz.fileSuffix))
      ? .npz : nil
  }

  /// The file of plain tensors; nil for other checkpoints.
  var plainFile: String? { if case .plain = kind { path } else { nil } }

  // MARK: - Sharded weights

  /// Whether a file is the map of sharded weights, or was once: by its name.
  static func isMap(_ path: String) throws -> Bool {
    if path.hasSuffix(Layout.sharded.fileSuffix) { return true }
    if case .shards? = (try? LocatedCheckpoint(path))?.kind { return true }
    return false
  }

  /// The files that the map names; where it cannot be read, those beside it that bear its name.
  static func shards(
    ofMap path: String
  ) throws -> (pieces: [Piece], lost: [(group: String, reason: String)], notes: [String]) {
    let folder = FileSystem.folder(of: path)
    let map: ShardMap
    do throws(CheckpointError) {
      map = try ShardMap(reading: path)
    } catch {
      let name = FileSystem.name(of: path)
      let names = try FolderTree.names(in: folder).filter {
        PendingShards.isShard($0, ofMap: name) && PendingName(parsing: $0) == nil
      }
      let note = "the map: \(error.problem); the \(names.count) files of its name stand in"
      return (try names.map { try Piece("\(folder)/\($0)") }, [], [note])
    }
    var pieces: [Piece] = []
    var reasons: [String: String] = [:]
    for name in map.shards {
      do throws(SystemCallError) {
        pieces.append(try Piece("\(folder)/\(name)"))
      } catch {
        reasons[name] = "\(error)"
      }
    }
    let lost = map.objects.flatMap { object in
      object.shards.compactMap { name in
        reasons[name].map { (object.group, "it is in \(name), which cannot be read: \($0)") }
      }
    }
    return (pieces, lost, reasons.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
  }

  /// Variables that lie in files that are gone: which ones, only another checkpoint can tell.
  var lostFindings: [TensorFinding] {
    lostGroups.map { lost in
      TensorFinding(
        name: "/\(lost.group)", datasetPath: "/\(lost.group)", verdict: .missing,
        reason: lost.reason, shape: nil, dtype: nil, byteCount: nil, place: nil)
    }
  }
}
