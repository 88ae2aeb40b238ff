#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension [iovec] {
  /// Repeats a call that moves bytes between these pieces of memory, in order, and a file, until all are
  /// moved.
  ///
  /// - Parameters:
  ///   - offset: of the first byte in the file.
  ///   - endCode: what it means that a call moves nothing and reports nothing.
  ///   - call: `preadv` or `pwritev` of the pieces that are left, from a place in the file on.
  /// - Returns: 0, or the `errno` of the call that failed.
  func transfer(
    at offset: Int, endCode: Int32,
    _ call: (UnsafePointer<iovec>?, _ count: Int32, _ position: off_t) -> Int
  ) -> Int32 {
    var rest = self[...]
    var position = offset
    while !rest.isEmpty {
      let count = rest.withUnsafeBufferPointer {
        call($0.baseAddress, Int32($0.count), off_t(position))
      }
      if count < 0, errno == EINTR { continue }
      if count < 0 { return errno }
      if count == 0 { return endCode }
      position += count
      rest.dropBytes(count)
    }
    return 0
  }
}

extension ArraySlice<iovec> {
  /// Drops the bytes that a call has taken.
  fileprivate mutating func dropBytes(_ count: Int) {
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
