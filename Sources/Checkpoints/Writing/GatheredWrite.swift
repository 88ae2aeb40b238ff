import CDeflate

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes from several places in memory that go side by side into a file, by one call.
///
/// Sendable like the pointers that it holds: whoever makes one sees to it that the memory lives, and stays
/// as it is, until the write is done.
struct GatheredWrite: @unchecked Sendable {
  let offset: Int
  private(set) var byteCount = 0
  private var pieces: [iovec] = []

  /// Bytes of one call: several fit in a processor's cache, and a disk is busy with each for a while.
  private static let maximumByteCount = 8 << 20
  /// What `pwritev` takes at once (`IOV_MAX`).
  private static let maximumPieceCount = 1024

  private init(at offset: Int) { self.offset = offset }

  /// The writes that put `segments` side by side into a file.
  ///
  /// - Parameters:
  ///   - offset: where the first one goes.
  ///   - border: a place in the file over which no write goes.
  static func covering(
    _ segments: [UnsafeRawBufferPointer], from offset: Int, splittingAt border: Int? = nil
  ) -> [GatheredWrite] {
    var writes: [GatheredWrite] = []
    var current = GatheredWrite(at: offset)
    var position = offset
    func room() -> Int {
      let limit = maximumByteCount - current.byteCount
      guard let border, position < border else { return limit }
      return min(limit, border - position)
    }
    for segment in segments {
      var rest = segment
      while rest.count > 0 {
        if room() == 0 || current.pieces.count == maximumPieceCount || position == border,
          current.byteCount > 0
        {
          writes.append(current)
          current = GatheredWrite(at: position)
        }
        let part = UnsafeRawBufferPointer(rebasing: rest.prefix(room()))
        current.pieces.append(
          iovec(iov_base: UnsafeMutableRawPointer(mutating: part.baseAddress), iov_len: part.count))
        current.byteCount += part.count
        position += part.count
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(part.count))
      }
    }
    if current.byteCount > 0 { writes.append(current) }
    return writes
  }

  /// The CRC-32 of the bytes.
  var checksum: UInt32 {
    pieces.reduce(0) { libdeflate_crc32($0, $1.iov_base, $1.iov_len) }
  }

  /// Returns 0, or the `errno` of the call that failed.
  func perform(_ descriptor: Int32) -> Int32 {
    var rest = pieces[...]
    var position = offset
    while !rest.isEmpty {
      let count = rest.withUnsafeBufferPointer {
        pwritev(descriptor, $0.baseAddress, Int32($0.count), off_t(position))
      }
      if count < 0, errno == EINTR { continue }
      if count < 0 { return errno }
      if count == 0 { return ENOSPC }  // nothing taken, nothing reported: no room
      position += count
      rest.dropWritten(count)
    }
    return 0
  }
}

extension ArraySlice<iovec> {
  /// Drops the bytes that a call has taken.
  fileprivate mutating func dropWritten(_ count: Int) {
    var count = count
    while let piece = self.first, count > 0 {
      guard count < piece.iov_len else {
        count -= piece.iov_len
        removeFirst()
        continue
      }
      self[startIndex] = iovec(iov_base: piece.iov_base! + count, iov_len: piece.iov_len - count)
      count = 0
    }
  }
}
