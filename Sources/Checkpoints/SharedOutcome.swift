import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What threads share that do a list of transfers: who does which, what failed, and a checksum of each.
///
/// A class because the threads share it; Sendable because every access holds the lock.
final class SharedOutcome: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var next = 0
  private var code: Int32 = 0
  private var sums: [UInt32]

  init(count: Int) { sums = [UInt32](repeating: 0, count: count) }

  private func locked<Result>(_ body: () -> Result) -> Result {
    lock.wait()
    defer { lock.signal() }
    return body()
  }

  /// The next transfer that nobody does yet; nil when all are taken, or one has failed.
  func nextIndex() -> Int? {
    locked {
      guard code == 0, next < sums.count else { return nil }
      defer { next += 1 }
      return next
    }
  }

  func record(failure: Int32) { locked { if code == 0 { code = failure } } }
  func record(checksum: UInt32, of index: Int) { locked { sums[index] = checksum } }

  /// The first failure's `errno`, or 0.
  var failure: Int32 { locked { code } }
  var checksums: [UInt32] { locked { sums } }
}

extension ArraySlice<iovec> {
  /// Drops the bytes that a call has taken.
  mutating func dropBytes(_ count: Int) {
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
