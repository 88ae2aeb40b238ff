internal import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a memory held at the moment of a snapshot, for a reader, while the memory's owner goes on changing
/// rows of it.
///
/// Nothing is copied when the snapshot is taken. Before the owner changes bytes, it keeps what they were
/// (``preserve(_:)``), in granules of 256 bytes; the reader gets a kept granule in place of the one in
/// memory, and never looks at that again. What the reader says it will not ask for again
/// (``discard(_:)``) the owner changes without further ado.
///
/// Sendable: of a region's bytes the owner changes only those that were kept or discarded, and the reader
/// reads only others; which are which is known under the region's lock.
///
/// A class because the owner and the reader share it.
package final class PreImages: @unchecked Sendable {
  /// What is kept at once. A row of a table is seldom much smaller, and a page is much larger than a row:
  /// keeping whole pages would cost more than the update.
  static let granuleByteCount = 256
  /// What one lock guards: the owner waits for no more than the copying of one region.
  static let regionByteCount = 64 << 10
  private static let granulesPerRegion = regionByteCount / granuleByteCount

  let memory: TensorMemory
  private let regionCount: Int
  private let regions: UnsafeMutablePointer<Mutex<Region>>
  /// By region, whether all of it was discarded.
  private let isDiscarded: UnsafeMutablePointer<Atomic<Bool>>
  /// By granule, what it held. Zero pages, which exist once they are written.
  private let images: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let arenas: [GranuleArena]
  /// Whether the memory will not change any more, because its owner has moved elsewhere.
  private let isFixed = Atomic<Bool>(false)
  /// Whether a granule was ever kept.
  private let hasImages = Atomic<Bool>(false)

  private struct Region {
    /// Bytes that were not discarded.
    var byteCount: Int
    /// Granules that are kept.
    var imageCount = 0
  }

  init(of memory: TensorMemory) {
    self.memory = memory
    let byteCount = memory.byteCount
    regionCount = (byteCount + Self.regionByteCount - 1) / Self.regionByteCount
    regions = .allocate(capacity: regionCount)
    isDiscarded = .allocate(capacity: regionCount)
    for region in 0..<regionCount {
      let start = region * Self.regionByteCount
      (regions + region).initialize(
        to: Mutex(Region(byteCount: min(Self.regionByteCount, byteCount - start))))
      (isDiscarded + region).initialize(to: Atomic(false))
    }
    let granuleCount = regionCount * Self.granulesPerRegion
    guard let zeros = calloc(granuleCount, MemoryLayout<UnsafeMutableRawPointer?>.stride) else {
      fatalError("there is no memory for a snapshot of \(byteCount) bytes")
    }
    images = zeros.bindMemory(to: UnsafeMutableRawPointer?.self, capacity: granuleCount)
    arenas = (0..<8).map { _ in GranuleArena(granuleByteCount: Self.granuleByteCount) }
  }

  deinit {
    regions.deinitialize(count: regionCount).deallocate()
    isDiscarded.deinitialize(count: regionCount).deallocate()
    free(images)
  }

  private func arena(_ region: Int) -> GranuleArena { arenas[region & 7] }

  /// Calls `body` with each region that `range` meets, and with the bytes of it that it meets.
  private func forEachRegion(_ range: Range<Int>, _ body: (Int, Range<Int>) -> Void) {
    var position = range.lowerBound
    while position < range.upperBound {
      let region = position / Self.regionByteCount
      let end = min(range.upperBound, (region + 1) * Self.regionByteCount)
      body(region, position..<end)
      position = end
    }
  }
}

// MARK: - The owner's side

extension PreImages {
  /// Keeps what some rows are, of `rowByteCount` bytes each, where the reader may still ask for it.
  /// Afterwards the caller may change them. From any thread.
  package func preserve(rows: UnsafeBufferPointer<Int>, byteCount rowByteCount: Int) {
    for row in rows { preserve(row * rowByteCount..<(row + 1) * rowByteCount) }
  }

  /// Keeps what the bytes at `range` are.
  func preserve(_ range: Range<Int>) {
    forEachRegion(range) { region, part in
      if isDiscarded[region].load(ordering: .acquiring) { return }
      regions[region].withLock { state in
        if state.byteCount == 0 { return }
        let first = part.lowerBound / Self.granuleByteCount
        let last = (part.upperBound - 1) / Self.granuleByteCount
        for granule in first...last where images[granule] == nil {
          let start = granule * Self.granuleByteCount
          let image = arena(region).take()
          image.copyMemory(
            from: memory.base + start,
            byteCount: min(Self.granuleByteCount, memory.byteCount - start))
          images[granule] = image
          state.imageCount += 1
          hasImages.store(true, ordering: .relaxed)
        }
      }
    }
  }

  /// The memory will not change any more.
  func fix() { isFixed.store(true, ordering: .releasing) }
}

// MARK: - The reader's side

extension PreImages {
  /// The memory itself, if it holds what it held and will go on doing so.
  var fixedMemory: TensorMemory? {
    guard isFixed.load(ordering: .acquiring), !hasImages.load(ordering: .relaxed) else { return nil }
    return memory
  }

  /// Copies what the bytes at `range` were. Traps when they were discarded.
  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) {
    forEachRegion(range) { region, part in
      regions[region].withLock { state in
        precondition(state.byteCount > 0, "bytes of a snapshot were read after they were discarded")
        copy(part, hasImages: state.imageCount > 0, to: target + (part.lowerBound - range.lowerBound))
      }
    }
  }

  /// Copies bytes of one region, whose lock the caller holds.
  private func copy(_ range: Range<Int>, hasImages: Bool, to target: UnsafeMutableRawPointer) {
    // From here on nothing was copied yet.
    var start = range.lowerBound
    func copyMemory(upTo end: Int) {
      guard end > start else { return }
      (target + (start - range.lowerBound)).copyMemory(
        from: memory.base + start, byteCount: end - start)
      start = end
    }
    if hasImages {
      let first = range.lowerBound / Self.granuleByteCount
      let last = (range.upperBound - 1) / Self.granuleByteCount
      for granule in first...last {
        guard let image = images[granule] else { continue }
        let granuleStart = granule * Self.granuleByteCount
        copyMemory(upTo: max(granuleStart, range.lowerBound))
        let end = min(granuleStart + Self.granuleByteCount, range.upperBound)
        (target + (start - range.lowerBound)).copyMemory(
          from: image + (start - granuleStart), byteCount: end - start)
        start = end
      }
    }
    copyMemory(upTo: range.upperBound)
  }

  /// Bytes that are kept.
  var keptByteCount: Int {
    (0..<regionCount).reduce(0) { sum, region in
      sum + regions[region].withLock { $0.imageCount } * Self.granuleByteCount
    }
  }

  /// Gives up the bytes at `range`, which nobody will ask for again. Each byte may be given up once.
  func discard(_ range: Range<Int>) {
    forEachRegion(range) { region, part in
      let isDone = regions[region].withLock { state in
        precondition(state.byteCount >= part.count, "bytes of a snapshot were discarded twice")
        state.byteCount -= part.count
        if state.byteCount == 0, state.imageCount > 0 {
          let first = region * Self.granulesPerRegion
          for granule in first..<first + Self.granulesPerRegion {
            guard let image = images[granule] else { continue }
            arena(region).giveBack(image)
            images[granule] = nil
          }
          state.imageCount = 0
        }
        return state.byteCount == 0
      }
      if isDone { isDiscarded[region].store(true, ordering: .releasing) }
    }
  }
}

// MARK: - Memory for granules

/// Room for granules, got in pieces of many and kept until the end.
///
/// Sendable because every access holds the lock. A class so that there can be an array of them.
private final class GranuleArena: @unchecked Sendable {
  private static let chunkByteCount = 1 << 20
  private let granuleByteCount: Int
  private let lock = Mutex<Void>(())
  private var free: [UnsafeMutableRawPointer] = []
  private var chunks: [UnsafeMutableRawPointer] = []
  private var position = chunkByteCount

  init(granuleByteCount: Int) { self.granuleByteCount = granuleByteCount }

  deinit { for chunk in chunks { chunk.deallocate() } }

  func take() -> UnsafeMutableRawPointer {
    lock.withLock { _ in
      if let granule = free.popLast() { return granule }
      if position == Self.chunkByteCount {
        chunks.append(.allocate(byteCount: Self.chunkByteCount, alignment: 64))
        position = 0
      }
      defer { position += granuleByteCount }
      return chunks[chunks.count - 1] + position
    }
  }

  func giveBack(_ granule: UnsafeMutableRawPointer) { lock.withLock { _ in free.append(granule) } }
}
