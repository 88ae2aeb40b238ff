#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes HDF5 content openable again whose superblock is damaged, or which is cut short.
///
/// Keras and Cairn write superblocks of version 0 with the root group behind them, always in the same places,
/// so that a damaged one can be written anew. (HDF5 File Format Specification 3.0, II.A.)
enum SuperblockRepair {
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
  private static let byteCount = 96
  private static let endField = 40

  /// The superblock of every file of this kind, but for the end of the file.
  private static func standard(end: Int) -> [UInt8] {
    var writer = FieldWriter()
    writer.append(signature)
    writer.append([0, 0, 0, 0, 0, 8, 8, 0])
    // Leaves of at most 8 names, nodes of at most 32 leaves: libhdf5's own choice.
    writer.append([4, 0, 16, 0, 0, 0, 0, 0])
    writer.uint64(0)
    writer.uint64(.max)
    writer.uint64(UInt64(end))
    writer.uint64(.max)
    // The root group: its header, then where that says that names and links lie.
    writer.uint64(0)
    writer.uint64(96)
    writer.uint32(1)
    writer.uint32(0)
    writer.uint64(136)
    writer.uint64(680)
    return writer.bytes
  }

  /// What has to be done before libhdf5 opens a content: nil when nothing has.
  ///
  /// - Parameter isRefused: whether libhdf5 does not open it, or does not find its root.
  static func plan(
    for content: borrowing FileContent, isRefused: Bool
  ) throws(SystemCallError) -> Plan? {
    let head = try content.read(0..<min(byteCount, content.byteCount))
    let isCommon =
      head.count == byteCount && head.prefix(8).elementsEqual(signature)
      && head[8] == 0 && head[13] == 8 && head[14] == 8
    let promised = isCommon ? FieldReader(head).int(endField) : nil
    // A turned bit in the size must not lead to a copy that fills the disk with nothing.
    if let promised, promised > content.byteCount,
      promised <= 1 << 30 + 16 * content.byteCount
    {
      let standard = isRefused ? standard(end: promised) : nil
      return Plan(
        byteCount: promised, superblock: standard == head ? nil : standard,
        note: "cut short: \(promised) bytes were written, \(content.byteCount) are left")
    }
    guard isRefused else { return nil }
    let new = standard(end: content.byteCount)
    guard !new.elementsEqual(head) else { return nil }
    return Plan(
      byteCount: max(content.byteCount, byteCount), superblock: new,
      note: "the superblock was damaged: the one that every such file has stood in for it")
  }

  struct Plan {
    let byteCount: Int
    /// Nil to keep what is there.
    let superblock: [UInt8]?
    let note: String
  }

  /// Writes a repaired copy; what is missing at its end is zero.
  static func copy(
    _ content: borrowing FileContent, by plan: Plan, to path: String
  ) throws(SystemCallError) {
    let descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }
    defer { close(descriptor) }
    guard ftruncate(descriptor, off_t(plan.byteCount)) == 0 else {
      throw SystemCallError("ftruncate")
    }
    for start in stride(from: 0, to: content.byteCount, by: 1 << 20) {
      let bytes = try content.read(start..<min(start + 1 << 20, content.byteCount))
      try ZipArchive.put(bytes, descriptor, at: start)
    }
    if let superblock = plan.superblock { try ZipArchive.put(superblock, descriptor, at: 0) }
  }
}
