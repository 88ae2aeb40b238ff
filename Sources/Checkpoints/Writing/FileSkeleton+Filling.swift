import CSystem
import CZlib
import Dispatch
import HDF5
import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension FileSkeleton {
  /// Writes a new file: the skeleton with the tensors' bytes where the datasets lie. Outside of libhdf5,
  /// in the order of the file, from several threads.
  ///
  /// - Parameters:
  ///   - path: there is no file of that name.
  ///   - datasets: those of the plan, or others of the same dtypes and shapes.
  ///   - checksumFrom: where the part of the file begins whose CRC-32 is wanted.
  ///   - documents: those beside the content, as their digests are to say.
  /// - Returns: that CRC-32; nil if none is wanted.
  @discardableResult
  func fill(
    _ path: String, with datasets: [FilePlan.Dataset], threadCount: Int,
    documents: [(name: String, content: [UInt8])] = [], checksumFrom start: Int? = nil
  ) throws(SystemCallError) -> UInt32? {
    let descriptor = try retryingInterrupted("open") {
      open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    }
    defer { close(descriptor) }
    try Self.reserve(byteCount, descriptor)
    let digester = table.map { blockDigester($0, datasets, documents) }
    // What lies behind the table of digests waits for it.
    let end = tableStart
    let writes = GatheredWrite.covering(
      segments(0..<end, with: datasets), from: 0, splittingAt: start)
    let outcome = SharedOutcome(count: writes.count)
    let writers = max(1, min(threadCount, writes.count))
    let scratchByteCount =
      writes.contains(where: \.isOfSnapshot) ? GatheredWrite.copiedByteCount : 0
    DispatchQueue.concurrentPerform(iterations: writers) { _ in
      let scratch = UnsafeMutableRawBufferPointer.allocate(
        byteCount: scratchByteCount, alignment: 64)
      defer { scratch.deallocate() }
      while let index = outcome.nextIndex() {
        writes[index].withMemory(scratch: scratch) { write, snapshot in
          // Now, while the bytes are on their way through the processor anyway.
          if let start, write.offset >= start {
            outcome.record(checksum: write.checksum, of: index)
          }
          digester?.add(write.offset..<write.offset + write.byteCount, snapshot: snapshot)
          let code = write.perform(descriptor)
          if code != 0 { outcome.record(failure: code) }
          #if os(Linux)
            // The disk begins at once, not at the end when everybody waits. A failure will show there.
            let begin: UInt32 = 2  // SYNC_FILE_RANGE_WRITE of linux/fs.h
            _ = sync_file_range(descriptor, off_t(write.offset), off_t(write.byteCount), begin)
          #endif
        }
      }
    }
    if outcome.failure != 0 { throw SystemCallError("pwritev", code: outcome.failure) }
    let sum = start.map { start in
      zip(writes, outcome.checksums).reduce(0) { sum, next in
        next.0.offset < start
          ? sum : UInt32(crc32_combine(uLong(sum), uLong(next.1), next.0.byteCount))
      }
    }
    defer { withExtendedLifetime(datasets) {} }  // The tensors own what the segments point to.
    guard let digester else { return sum }
    digester.add(end..<image.byteCount)
    return try finish(
      digester.finished(), descriptor, from: end, with: datasets, checksum: sum)
  }

  /// Writes the table of digests, what lies behind it, and the end mark.
  ///
  /// - Parameters:
  ///   - start: where the table begins in the file.
  ///   - checksum: of what stands before it; nil when none is wanted.
  /// - Returns: the checksum of all.
  private func finish(
    _ table: DigestTable, _ descriptor: Int32, from start: Int,
    with datasets: [FilePlan.Dataset], checksum: UInt32?
  ) throws(SystemCallError) -> UInt32? {
    let (bytes, mark) = (table.bytes, table.endMark.bytes)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(SystemCallError) in
      try mark.withUnsafeBufferPointer { (mark) throws(SystemCallError) in
        let rest = segments(start + bytes.count..<image.byteCount, with: datasets)
        let all =
          [.memory(UnsafeRawBufferPointer(bytes))] + rest + [.memory(UnsafeRawBufferPointer(mark))]
        var checksum = checksum
        for write in GatheredWrite.covering(all, from: start) {
          let code = write.perform(descriptor)
          if code != 0 { throw SystemCallError("pwritev", code: code) }
          checksum = checksum.map {
            UInt32(crc32_combine(uLong($0), uLong(write.checksum), write.byteCount))
          }
        }
        return checksum
      }
    }
  }

  private func blockDigester(
    _ table: DigestTable, _ datasets: [FilePlan.Dataset],
    _ documents: [(name: String, content: [UInt8])]
  ) -> BlockDigester {
    var table = table
    for document in documents { table.renewDigest(ofDocument: document.name, document.content) }
    return BlockDigester(
      table,
      datasets.indices.map { index in
        let value = datasets[index].value
        return (
          isReadInPieces(value, index) ? nil : .init(value.storageForReading.bytes), offsets[index]
        )
      })
  }

  /// Where the content begins in the file.
  private var contentOffset: Int { table.map { image.byteCount - $0.contentByteCount } ?? 0 }

  /// Where the table of digests begins in the file; its end if there is none.
  private var tableStart: Int { table.map { $0.offset + contentOffset } ?? image.byteCount }

  /// Whether the value of the dataset at `index` is asked for one block after the other. A snapshot behind
  /// the table is read as a whole: its digests are wanted before it is written.
  private func isReadInPieces(_ value: Tensor, _ index: Int) -> Bool {
    value.isSnapshot && offsets[index] < tableStart
  }

  /// Takes the room on the disk at once: in one piece, and a disk that is too small shows now.
  private static func reserve(_ byteCount: Int, _ descriptor: Int32) throws(SystemCallError) {
    #if os(Linux)
      while fallocate(descriptor, 0, 0, off_t(byteCount)) != 0 {
        // A file system that cannot do it takes room as it goes.
        if errno == EOPNOTSUPP { return }
        if errno != EINTR { throw SystemCallError("fallocate") }
      }
    #endif
  }

  /// The bytes of a part of the file, in order. It does not cut a dataset.
  private func segments(
    _ part: Range<Int>, with datasets: [FilePlan.Dataset]
  ) -> [FileSegment] {
    let order = offsets.indices.filter {
      datasets[$0].value.byteCount > 0 && part.contains(offsets[$0])
    }.sorted { offsets[$0] < offsets[$1] }
    var segments: [FileSegment] = []
    segments.reserveCapacity(2 * order.count + 16)
    var position = part.lowerBound
    func appendImage(upTo end: Int) {
      var blocks: [UnsafeRawBufferPointer] = []
      image.append(position..<end, to: &blocks)
      segments += blocks.map(FileSegment.memory)
    }
    for index in order {
      appendImage(upTo: offsets[index])
      let value = datasets[index].value
      segments.append(
        isReadInPieces(value, index)
          ? .snapshot(value, isGivenUp: datasets[index].isGivenUp)
          : .memory(UnsafeRawBufferPointer(value.storageForReading.bytes)))
      position = offsets[index] + value.byteCount
    }
    appendImage(upTo: part.upperBound)
    return segments
  }
}

extension HDF5Image {
  /// The bytes of a range, block by block.
  func append(_ range: Range<Int>, to segments: inout [UnsafeRawBufferPointer]) {
    var position = range.lowerBound
    while position < range.upperBound {
      let index = position / Self.blockByteCount
      let start = index * Self.blockByteCount
      let end = min(range.upperBound, start + Self.blockByteCount)
      let block = block(index) ?? Zeros.block
      segments.append(.init(start: block + (position - start), count: end - position))
      position = end
    }
  }
}

/// A block of zeros for what was never written.
private enum Zeros {
  /// Never changed, never freed.
  nonisolated(unsafe) static let block = UnsafeRawPointer(
    UnsafeMutableRawBufferPointer.allocateZeros(HDF5Image.blockByteCount))
}

extension UnsafeMutableRawBufferPointer {
  fileprivate static func allocateZeros(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let bytes = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    return bytes
  }
}

// MARK: - Other writers

extension FileSkeleton {
  /// Writes bytes at a place of a file. Returns 0, or the `errno` of the call that failed.
  static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at offset: Int
  ) -> Int32 {
    for write in GatheredWrite.covering([.memory(bytes)], from: offset) {
      let code = write.perform(descriptor)
      if code != 0 { return code }
    }
    return 0
  }
}
