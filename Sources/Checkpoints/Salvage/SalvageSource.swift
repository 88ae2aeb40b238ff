#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where the contents with the tensors of a checkpoint lie that may be damaged, and what stands around them.
struct SalvageSource {
  /// What is opened.
  let path: String
  let kind: Kind
  /// In the checkpoint's order.
  let pieces: [Piece]
  /// What is wrong with the container.
  let notes: [String]
  /// Whether a part of it is gone that tells which tensors there were.
  private(set) var isStructureLost = false
  /// Groups of variables of which a file is gone, and which; of sharded weights.
  private(set) var lostGroups: [(group: String, reason: String)] = []

  enum Kind {
    case file
    case folder
    case archive(SalvagedArchive)
    case shards
    case plain(ExportFormat)
  }

  /// A file with tensors.
  struct Piece {
    /// What to call it.
    let name: String
    /// The file with its bytes: the checkpoint's own, or one into which they were inflated.
    let path: String
    /// Where in it they lie.
    let window: Range<Int>
    /// Whether a checksum of the archive proves the content; nil without one.
    var isProven: Bool?

    init(_ path: String, window: Range<Int>, isProven: Bool? = nil) {
      name = FileSystem.name(of: path)
      self.path = path
      self.window = window
      self.isProven = isProven
    }

    /// All of a file.
    init(_ path: String) throws(SystemCallError) {
      self.init(path, window: 0..<(try ReadableFile(path).byteCount))
    }
  }

  /// - Parameter scratch: takes what has to be inflated.
  /// - Throws: `unreadable`, `unsupported` for archives compressed in other ways than by deflate.
  init(_ path: String, scratch: borrowing SalvageScratch) throws {
    self.path = path
    if DirectoryLayout.isLaidOut(path) {
      kind = .folder
      pieces = [try Piece(DirectoryLayout.weightsPath(path))]
      notes = []
      return
    }
    let file = try ReadableFile(path)
    if let format = try Self.plainFormat(of: path) {
      kind = .plain(format)
      pieces = [try Piece(path)]
      notes = []
      return
    }
    if try Self.isMap(path) {
      kind = .shards
      (pieces, lostGroups, notes) = try Self.shards(ofMap: path)
      isStructureLost = !notes.isEmpty
      return
    }
    let isArchive = try ZipArchive.isArchive(path)
    guard isArchive || path.hasSuffix(".keras") else {
      kind = .file
      pieces = [try Piece(path)]
      notes = []
      return
    }
    let archive = try SalvagedArchive(path)
    kind = .archive(archive)
    guard let member = archive[ArchiveLayout.weightsMember] else {
      // The content's own first bytes, where no header tells any more where it begins.
      let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
      let start = try file.position(of: signature, from: 0)
      pieces = [Piece(path, window: (start ?? file.byteCount)..<file.byteCount)]
      notes =
        archive.notes + [
          "no header of \(ArchiveLayout.weightsMember): "
            + (start.map { "HDF5 content begins at byte \($0)" } ?? "nor any HDF5 content")
        ]
      return
    }
    var piece: Piece
    switch member.method {
    case .stored:
      piece = Piece(path, window: member.data)
      piece.isProven = try archive.matchesChecksum(member)
    case .deflated:
      let inflated = scratch.file("inflated.h5")
      let isWhole = try Self.inflate(member, of: path, to: inflated)
      piece = try Piece(inflated)
      piece.isProven = isWhole
    case .other:
      throw CheckpointError(
        .unsupported, "cannot examine", path: path, object: member.name,
        expected: "a member that is stored or deflated", found: "one compressed in another way",
        cure: "unpack it by the program that made it")
    }
    pieces = [piece]
    notes = archive.notes + (piece.isProven == false ? [Self.isOther(member)] : [])
  }

  private static func isOther(_ member: SalvagedArchive.Member) -> String {
    "\(member.name): "
      + (member.isWhole ? "its checksum does not match its bytes" : "cut short")
  }

  /// Writes as much of a compressed member as can be had; returns whether that is all of it, by its
  /// checksum.
  private static func inflate(
    _ member: SalvagedArchive.Member, of path: String, to output: String
  ) throws -> Bool {
    let stored = try ReadableFile(path).read(member.data)
    let file = try SequentialFile(creating: output)
    var position = 0
    var checksum: UInt32 = 0
    var failure: SystemCallError?
    let isEnded = PartialInflation.inflate(stored) { piece in
      do throws(SystemCallError) {
        try file.write(piece, at: &position, &checksum)
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return isEnded && position == member.byteCount && checksum == member.crc32
  }
}

extension SalvageSource {
  /// A document beside the tensors, whole; nil without one, or with one that is damaged.
  func document(_ name: String) throws(CheckpointError) -> [UInt8]? {
    switch kind {
    case .file, .shards, .plain: return nil
    case .folder: return try DirectoryLayout.document(name, in: path)
    case .archive(let archive):
      do throws(SystemCallError) {
        return try archive.document(name)
      } catch {
        throw CheckpointError.reading(path, error)
      }
    }
  }
}
