#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// MARK: - Writing

extension DigestTable {
  /// Puts the table in its place and the end mark behind the content.
  ///
  /// - Parameter start: where the content begins in the file.
  func write(to path: String, contentAt start: Int) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") { open(path, O_WRONLY | O_CLOEXEC) }
    defer { close(descriptor) }
    for (bytes, offset) in [(bytes, offset), (endMark.bytes, contentByteCount)] {
      try ZipArchive.put(bytes, descriptor, at: start + offset)
    }
  }
}

// MARK: - Reading

extension DigestTable {
  /// The table of a content, found by the content's end mark and proven by its root; nil without an
  /// end mark.
  ///
  /// - Throws: `damaged`, `unsupported` for a table of a later version.
  /// - Parameter path: for messages.
  init?(of content: borrowing FileContent, path: String) throws {
    guard let mark = try EndMark(of: content) else { return nil }
    try self.init(decoding: content.read(mark.table), path: path)
    guard endMark.table == mark.table,
      contentByteCount == content.byteCount - EndMark.byteCount
    else { throw Self.damaged(path) }
  }

  init(decoding bytes: [UInt8], path: String) throws(CheckpointError) {
    do {
      try self.init(decoding: bytes)
    } catch {
      guard case .later(let what) = error else { throw Self.damaged(path) }
      throw CheckpointError(
        .unsupported, "cannot verify", path: path, object: Self.path,
        problem: "expected digests of version \(Self.latestVersion) or before, found \(what)",
        cure: "a later Cairn wrote it: read it with that one, or without verifying (--no-verify)")
    }
  }

  static func damaged(_ path: String) -> CheckpointError {
    CheckpointError(
      .damaged, "cannot verify", path: path, object: Self.path,
      problem: "the table of digests is not what was written", cure: CheckpointError.damageCure)
  }
}

extension CheckpointError {
  /// What helps against damage.
  static let damageCure =
    "take another copy or an older checkpoint, or read it as it is without verifying (--no-verify)"
}
