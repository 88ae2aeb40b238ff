import KerasConfiguration
import Tensors

/// A damaged checkpoint, gone through as far as anything can be read of it.
///
/// Three things are asked, none of which needs the others: digests, wherever a file still has its table of
/// them; libhdf5, in a process that may crash; the checksums of archives.
///
/// A class, because its scratch folder holds what tensors are read from, as long as anyone does.
public final class Examination {
  /// As it was given.
  public let path: String
  /// Why the checkpoint does not open in the usual way; nil when it does.
  public private(set) var refusal: String?
  /// What is wrong with it apart from its tensors, and what was done about it.
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
  /// Those of all contents, each path once.
  private(set) var objects: [FoundObject] = []
  private(set) var contents: [ExaminedContent] = []
  private var names: ManifestNames
  private let scratch: SalvageScratch

  /// - Parameters:
  ///   - file: what to open.
  ///   - path: what to call it.
  ///   - program: reads through libhdf5 in a process of its own.
  ///   - other: another checkpoint of the same model; its names stand in where this one's are lost.
  /// - Throws: `unreadable` for a file that the operating system does not read.
  package init(
    _ file: String, named path: String, by program: WalkingProgram,
    namesFrom other: Examination? = nil
  ) throws(CheckpointError) {
    self.path = path
    do {
      scratch = try SalvageScratch()
      source = try SalvageSource(file, scratch: scratch)
      names = try ManifestNames(of: file, by: program)
      refusal = names.refusal?.replacing(file, with: path)
      notes = source.notes
      try readContents(by: program, namesFrom: other)
      objects = Self.merged(contents.flatMap(\.objects))
      notes += contents.flatMap { content in
        content.notes.map { contents.count > 1 ? "\(content.piece.name): \($0)" : $0 }
      }
      if refusal != nil {
        if let copy = contents.first?.repairedCopy, case .file = source.kind {
          names = try ManifestNames(of: copy, by: program)
        }
        if names.entries.isEmpty, let other { names = other.names }
      }
      let held = contents.map(\.holdsStructure)
      structure =
        held.contains(false) || source.isStructureLost || arePlacesLost
        ? .damaged : held.contains(nil) || held.isEmpty ? .notCovered : .intact
      for content in contents {
        content.names = names
        findings += try content.assess()
      }
      findings += source.lostFindings + lostByMetadata
    } catch {
      throw CheckpointError.reading(file, error).naming(file, path)
    }
  }

  private func readContents(by program: WalkingProgram, namesFrom other: Examination?) throws {
    if case .plain(let format) = source.kind {
      let spool = try scratch.folder("spool")
      let tensors = try SalvagedTensors(
        source.pieces[0], format, spoolFolder: spool, placesFrom: other?.source.plainFile)
      notes += tensors.notes
      arePlacesLost = !tensors.notes.isEmpty
      if arePlacesLost, format == .npz, tensors.metadata == nil {
        notes.append("which tensors stood where nothing can be read any more, it does not tell")
      }
      plainMetadata = tensors.metadata
      contents = [ExaminedContent(tensors, spoolFolder: spool)]
      return
    }
    for (index, piece) in source.pieces.enumerated() {
      contents.append(
        try ExaminedContent(piece, index: index, by: program, scratch: scratch))
    }
  }

  /// Whether the header or the directory of a file of plain tensors is damaged.
  private var arePlacesLost = false
  /// What a file of plain tensors says beside them, as far as it can be read.
  private(set) var plainMetadata: JSONValue?

  /// A group that several files have is one, with the attributes of the first that has some.
  private static func merged(_ objects: [FoundObject]) -> [FoundObject] {
    var merged: [FoundObject] = []
    var places: [String: Int] = [:]
    for object in objects {
      guard let place = places[object.path] else {
        places[object.path] = merged.count
        merged.append(object)
        continue
      }
      if merged[place].attributes.isEmpty { merged[place].attributes = object.attributes }
    }
    return merged
  }
}

// MARK: - Reading

extension Examination {
  /// The elements of a tensor, of the given shape and dtype; nil where they cannot be read any more, or where
  /// digests say by now that they are others.
  func bytes(of finding: TensorFinding, count: Int) throws -> [UInt8]? {
    try contents[finding.content].bytes(of: finding, count: count)
  }

  /// Whether any digest knows a dataset.
  func isDigested(_ dataset: String) -> Bool {
    contents.contains { $0.table?.record(dataset) != nil }
  }
}
