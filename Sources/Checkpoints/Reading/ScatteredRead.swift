import Dispatch

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Bytes that lie side by side in a file and go to several places in memory, by one call.
///
/// Sendable like the pointers that it holds: whoever makes one sees to it that the memory lives, and that
/// nobody else uses it, until the read is done.
struct ScatteredRead: @unchecked Sendable {
  private let descriptor: Int32
  private let offset: Int
  private var byteCount = 0
  private var pieces: [iovec] = []

  /// One piece of memory to be filled.
  struct Part {
    let descriptor: Int32
    let offset: Int
    let memory: UnsafeMutableRawBufferPointer
    /// The digests of a whole tensor, which are compared as soon as a block has been read; nil for none.
    var digests: TensorDigests?
  }

  /// Some blocks of a part, or all of it, to be compared with their digests.
  private struct Check {
    let part: Int
    let digests: TensorDigests
    let position: Int
    let memory: UnsafeMutableRawBufferPointer
  }

  private var checks: [Check] = []

  private static let maximumByteCount = 8 * DigestTable.blockByteCount
  /// What `preadv` takes at once (`IOV_MAX`).
  private static let maximumPieceCount = 1024
  /// So many bytes between two parts are read and thrown away rather than passed over by another call.
  private static let maximumGap = 16 << 10

  private init(_ descriptor: Int32, at offset: Int) {
    self.descriptor = descriptor
    self.offset = offset
  }

  /// Fills all parts, from several threads.
  ///
  /// - Returns: the damage that digests show, by part.
  static func perform(
    _ parts: [Part], threadCount: Int
  ) throws(SystemCallError) -> [Int: [TensorDamage]] {
    let waste = UnsafeMutableRawBufferPointer.allocate(byteCount: maximumGap, alignment: 64)
    defer { waste.deallocate() }
    let reads = covering(parts, waste: waste)
    let outcome = SharedOutcome(count: reads.count)
    let found = FoundDamage()
    let readers = max(1, min(threadCount, reads.count))
    DispatchQueue.concurrentPerform(iterations: readers) { _ in
      while let index = outcome.nextIndex() {
        let code = reads[index].perform()
        if code != 0 { outcome.record(failure: code) }
        // Now, while the bytes are in the processor's cache.
        if code == 0 { reads[index].compare(found) }
      }
    }
    if outcome.failure != 0 { throw SystemCallError("preadv", code: outcome.failure) }
    return found.all
  }

  private func compare(_ found: FoundDamage) {
    for check in checks {
      for damage in check.digests.damage(in: .init(check.memory), from: check.position) {
        found.add(damage, to: check.part)
      }
    }
  }

  /// The calls that fill all parts, in the order of the files.
  private static func covering(
    _ parts: [Part], waste: UnsafeMutableRawBufferPointer
  ) -> [ScatteredRead] {
    var reads: [ScatteredRead] = []
    var current: ScatteredRead?
    func finish() {
      if let current { reads.append(current) }
      current = nil
    }
    let order = parts.indices.sorted {
      (parts[$0].descriptor, parts[$0].offset) < (parts[$1].descriptor, parts[$1].offset)
    }
    for index in order {
      let part = parts[index]
      if let read = current {
        let gap = part.offset - read.offset - read.byteCount
        if read.descriptor == part.descriptor, (0...maximumGap).contains(gap) {
          if gap > 0 { current!.append(.init(rebasing: waste[..<gap])) }
        } else {
          finish()
        }
      }
      var done = 0
      while done < part.memory.count {
        if let read = current, read.isFull { finish() }
        if current == nil {
          current = ScatteredRead(part.descriptor, at: part.offset + done)
        }
        var count = min(part.memory.count - done, maximumByteCount - current!.byteCount)
        if part.digests != nil, done + count < part.memory.count {
          // A block of a digest is read whole, by one thread.
          count -= (done + count) % DigestTable.blockByteCount
          if count <= 0 {
            finish()
            continue
          }
        }
        let memory = UnsafeMutableRawBufferPointer(rebasing: part.memory[done..<done + count])
        current!.append(memory)
        if let digests = part.digests {
          current!.checks.append(
            Check(part: index, digests: digests, position: done, memory: memory))
        }
        done += count
      }
    }
    finish()
    return reads
  }

  private var isFull: Bool {
    byteCount >= Self.maximumByteCount || pieces.count >= Self.maximumPieceCount - 1
  }

  private mutating func append(_ memory: UnsafeMutableRawBufferPointer) {
    pieces.append(iovec(iov_base: memory.baseAddress, iov_len: memory.count))
    byteCount += memory.count
  }

  /// Returns 0, or the `errno` of the call that failed; `EIO` when the file is shorter than it was.
  private func perform() -> Int32 {
    pieces.transfer(at: offset, endCode: EIO) { preadv(descriptor, $0, $1, $2) }
  }
}
