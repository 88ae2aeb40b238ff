import Dispatch
import HDF5
import Tensors

extension FileSkeleton {
  /// Writes the skeleton into a new file, with the tensors' bytes where the datasets lie. Outside of
  /// libhdf5, in the order of the file, from several threads.
  ///
  /// - Parameters:
  ///   - datasets: those of the plan, or others of the same dtypes and shapes.
  ///   - early: what was written of them while the skeleton was made; nil if nothing was.
  ///   - documents: those beside the content, as their digests are to say.
  ///   - start: where the part of the file begins whose CRC-32 is wanted.
  /// - Returns: that CRC-32; nil if none is wanted.
  @discardableResult
  func fill(
    _ file: NewFile, with datasets: [FilePlan.Dataset], early: EarlyFill.Outcome? = nil,
    threadCount: Int, documents: [(name: String, content: [UInt8])] = [],
    checksumFrom start: Int? = nil
  ) throws(SystemCallError) -> UInt32? {
    try file.reserve(byteCount)
    let written = early?.isWritten ?? [Bool](repeating: false, count: datasets.count)
    let digester = table.map { table in
      var table = table
      if let early { table.takeDigests(early.digests, ofDatasets: written) }
      return blockDigester(table, datasets, except: written, documents)
    }
    // What lies behind the table of digests waits for it.
    let end = tableStart
    let writes = GatheredWrite.covering(
      segments(0..<end, with: datasets, except: written), from: 0, splittingAt: start)
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
          if start != nil { outcome.record(checksum: write.checksum, of: index) }
          digester?.add(write.offset..<write.offset + write.byteCount, snapshot: snapshot)
          let code = write.perform(file.descriptor)
          if code != 0 { outcome.record(failure: code) }
          file.beginWriting(write.offset, write.byteCount)
        }
      }
    }
    if outcome.failure != 0 { throw SystemCallError("pwritev", code: outcome.failure) }
    var checksums = early?.checksums ?? []
    checksums += zip(writes, outcome.checksums).map {
      PlacedChecksum(offset: $0.offset, byteCount: $0.byteCount, checksum: $1)
    }
    defer { withExtendedLifetime(datasets) {} }  // The tensors own what the segments point to.
    if let digester {
      digester.add(end..<image.byteCount)
      checksums += try finish(
        digester.finished(), file, from: end, with: datasets, except: written)
    }
    return start.map { PlacedChecksum.combined(checksums, from: $0) }
  }

  /// Writes the table of digests, what lies behind it, and the end mark.
  ///
  /// - Parameter start: where the table begins in the file.
  /// - Returns: the checksums of what it wrote.
  private func finish(
    _ table: DigestTable, _ file: NewFile, from start: Int,
    with datasets: [FilePlan.Dataset], except written: [Bool]
  ) throws(SystemCallError) -> [PlacedChecksum] {
    let (bytes, mark) = (table.bytes, table.endMark.bytes)
    return try bytes.withUnsafeBufferPointer { (bytes) throws(SystemCallError) in
      try mark.withUnsafeBufferPointer { (mark) throws(SystemCallError) in
        let rest = segments(start + bytes.count..<image.byteCount, with: datasets, except: written)
        let all =
          [.memory(UnsafeRawBufferPointer(bytes))] + rest + [.memory(UnsafeRawBufferPointer(mark))]
        var checksums: [PlacedChecksum] = []
        for write in GatheredWrite.covering(all, from: start) {
          let code = write.perform(file.descriptor)
          if code != 0 { throw SystemCallError("pwritev", code: code) }
          checksums.append(PlacedChecksum(write))
        }
        return checksums
      }
    }
  }

  private func blockDigester(
    _ table: DigestTable, _ datasets: [FilePlan.Dataset], except written: [Bool],
    _ documents: [(name: String, content: [UInt8])]
  ) -> BlockDigester {
    var table = table
    for document in documents { table.renewDigest(ofDocument: document.name, document.content) }
    return BlockDigester(
      table,
      datasets.indices.map { index in
        let value = datasets[index].value
        return (
          isReadInPieces(value, index) ? nil : .init(value.storageForReading.bytes), offsets[index],
          !written[index]
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

  /// The bytes of a part of the file, in order. It does not cut a dataset.
  ///
  /// - Parameter written: which of the datasets are in the file already.
  private func segments(
    _ part: Range<Int>, with datasets: [FilePlan.Dataset], except written: [Bool]
  ) -> [FileSegment] {
    let order = offsets.indices.filter {
      datasets[$0].value.byteCount > 0 && part.contains(offsets[$0])
    }.sorted { offsets[$0] < offsets[$1] }
    var segments: [FileSegment] = []
    segments.reserveCapacity(2 * order.count + 16)
    var position = part.lowerBound
    func appendImage(upTo end: Int) {
      guard position < end else { return }
      var blocks: [UnsafeRawBufferPointer] = []
      image.append(position..<end, to: &blocks)
      segments += blocks.map(FileSegment.memory)
    }
    for index in order {
      appendImage(upTo: offsets[index])
      let value = datasets[index].value
      segments.append(
        written[index]
          ? .written(byteCount: value.byteCount)
          : isReadInPieces(value, index)
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
