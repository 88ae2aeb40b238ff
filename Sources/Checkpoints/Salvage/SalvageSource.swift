#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Where the HDF5 content of a checkpoint lies that may be damaged, and what stands around it.
struct SalvageSource {
  /// As it was given.
  let path: String
  let kind: Kind
  /// The file with the bytes of the content: the checkpoint's own, or one into which they were inflated.
  let contentPath: String
  /// Where in it they lie.
  let window: Range<Int>
  /// Whether a checksum of the archive proves the content; nil without one.
  let isProven: Bool?
  /// What is wrong with the container.
  let notes: [String]

  enum Kind {
    case file
    case folder
    case archive(SalvagedArchive)
  }

  /// - Parameter scratch: takes what has to be inflated.
  /// - Throws: `unreadable`, `unsupported` for layouts of several files and of plain tensors.
  init(_ path: String, scratch: borrowing SalvageScratch) throws {
    self.path = path
    if DirectoryLayout.isLaidOut(path) {
      kind = .folder
      contentPath = DirectoryLayout.weightsPath(path)
      window = 0..<(try ReadableFile(contentPath).byteCount)
      isProven = nil
      notes = []
      return
    }
    switch (try? LocatedCheckpoint(path))?.kind {
    case .shards, .safetensors, .npz: throw Self.unsupported(path)
    case .file, .folder, .archive, nil: break
    }
    let file = try ReadableFile(path)
    let isArchive = try ZipArchive.isArchive(path)
    guard isArchive || path.hasSuffix(".keras") else {
      kind = .file
      contentPath = path
      window = 0..<file.byteCount
      isProven = nil
      notes = []
      return
    }
    let archive = try SalvagedArchive(path)
    kind = .archive(archive)
    guard let member = archive[ArchiveLayout.weightsMember] else {
      // The content's own first bytes, where no header tells any more where it begins.
      let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
      let start = try file.position(of: signature, from: 0)
      contentPath = path
      window = (start ?? file.byteCount)..<file.byteCount
      isProven = nil
      notes =
        archive.notes + [
          "no header of \(ArchiveLayout.weightsMember): "
            + (start.map { "HDF5 content begins at byte \($0)" } ?? "nor any HDF5 content")
        ]
      return
    }
    switch member.method {
    case .stored:
      contentPath = path
      window = member.data
      isProven = try archive.matchesChecksum(member)
      notes = archive.notes + (isProven == false ? [Self.isOther(member)] : [])
    case .deflated:
      contentPath = scratch.file("inflated.h5")
      isProven = try Self.inflate(member, of: path, to: contentPath)
      window = 0..<(try ReadableFile(contentPath).byteCount)
      notes = archive.notes + (isProven == false ? [Self.isOther(member)] : [])
    case .other: throw Self.unsupported(path)
    }
  }

  private static func isOther(_ member: SalvagedArchive.Member) -> String {
    "\(member.name): "
      + (member.isWhole ? "its checksum does not match its bytes" : "cut short")
  }

  private static func unsupported(_ path: String) -> CheckpointError {
    CheckpointError(
      .unsupported, "cannot examine", path: path,
      expected: "a checkpoint in one HDF5 file, an archive or a folder", found: "another layout",
      cure: "verify and show tell about sharded weights; safetensors and .npz have no digests")
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
    case .file: return nil
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
