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
  ///   - unit: a multiple of it is a place in the file over which no call goes.
  ///   - endCode: what it means that a call moves nothing and reports nothing.
  ///   - call: `preadv` or `pwritev` of the pieces that are left, from a place in the file on.
  /// - Returns: 0, or the `errno` of the call that failed.
  func transfer(
    at offset: Int, splittingEvery unit: Int = .max, endCode: Int32,
    _ call: (UnsafePointer<iovec>?, _ count: Int32, _ position: off_t) -> Int
  ) -> Int32 {
    var rest = self[...]
    var position = offset
    while !rest.isEmpty {
      let count = rest.withPrefix(byteCount: unit - position % unit) {
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
  /// Calls `body` with the pieces that hold the first bytes, so many at most.
  fileprivate mutating func withPrefix(
    byteCount limit: Int, _ body: (UnsafeBufferPointer<iovec>) -> Int
  ) -> Int {
    var (index, room) = (startIndex, limit)
    while index < endIndex, self[index].iov_len <= room {
      room -= self[index].iov_len
      index += 1
    }
    guard index < endIndex, room > 0 else { return self[..<index].withUnsafeBufferPointer(body) }
    let whole = self[index].iov_len
    self[index].iov_len = room
    defer { self[index].iov_len = whole }
    return self[...index].withUnsafeBufferPointer(body)
  }

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
