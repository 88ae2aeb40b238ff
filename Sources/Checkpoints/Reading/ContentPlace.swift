import HDF5

/// Where the HDF5 content of a checkpoint stands.
enum ContentPlace {
  /// A file of its own.
  case file(String)
  /// A range of bytes of a file.
  case window(String, Range<Int>)
  /// A compressed member of an archive.
  case deflated(ZipArchive, ZipArchive.Member)

  /// The file.
  var path: String {
    switch self {
    case .file(let path), .window(let path, _): path
    case .deflated(let archive, _): archive.path
    }
  }

  /// Where the content begins in the file; nil when it stands there in no plain form.
  var offset: Int? {
    switch self {
    case .file: 0
    case .window(_, let range): range.lowerBound
    case .deflated: nil
    }
  }

  /// The content's own bytes; nil when only inflating would give them.
  func bytes() throws(SystemCallError) -> FileContent? {
    switch self {
    case .file(let path): try FileContent(path, window: nil)
    case .window(let path, let range): try FileContent(path, window: range)
    case .deflated: nil
    }
  }

  /// Opens it through libhdf5, in place.
  func open() throws -> HDF5File {
    switch self {
    case .file(let path): return try HDF5File.open(path)
    case .window(let path, let range): return try HDF5File.open(path, window: range)
    case .deflated(let archive, let member):
      do throws(HDF5Error) {
        return try HDF5File.open(
          archive.path, inflating: member.data, byteCount: member.byteCount,
          checksum: member.crc32)
      } catch {
        throw Self.damage(error, of: member, in: archive)
      }
    }
  }

  /// An error that is the compressed member's fault names it.
  private static func damage(
    _ error: HDF5Error, of member: ZipArchive.Member, in archive: ZipArchive
  ) -> any Error {
    guard error.kind == .damaged else { return error }
    return CheckpointError(
      .unreadable, "cannot read", path: archive.path, object: member.name,
      expected: "a compressed member that is whole", found: error.message, cause: error)
  }
}
