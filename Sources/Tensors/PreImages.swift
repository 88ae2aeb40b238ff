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
  fileprivate static let granulesPerRegion = regionByteCount / granuleByteCount

  let memory: TensorMemory
  private let regionCount: Int
  /// Each is touched only by the thread that has set its access to `locked`.
  private let regions: UnsafeMutablePointer<Region>
  private let access: UnsafeMutablePointer<Atomic<UInt8>>
  private let arena: Locked<ImageArena>
  /// Whether the memory will not change any more, because its owner has moved elsewhere.
  private let isFixed = Atomic<Bool>(false)
  /// Whether a granule was ever kept.
  private let hasImages = Atomic<Bool>(false)

  /// Who may touch a region: whoever comes first, nobody else, or nobody any more because all of it was
  /// discarded. Locks of one byte, because there are thousands, and each is held for microseconds.
  private enum Access {
    static let open: UInt8 = 0
    static let locked: UInt8 = 1
    static let discarded: UInt8 = 2
  }

  /// Of a granule, its number among those of its region, and what it held.
  fileprivate struct Image {
    static let headerByteCount = 16
    static let byteCount = headerByteCount + PreImages.granuleByteCount
    var granule: Int
    var next: UnsafeMutablePointer<Image>?
  }

  fileprivate struct Region {
    /// Bytes that were not discarded.
    var byteCount: Int
    var imageCount = 0
    /// Which granules are kept.
    var isKept: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    /// What was kept last; each image leads to the one before.
    var last: UnsafeMutablePointer<Image>?
  }

  init(of memory: TensorMemory) {
    self.memory = memory
    let byteCount = memory.byteCount
    regionCount = (byteCount + Self.regionByteCount - 1) / Self.regionByteCount
    regions = .allocate(capacity: regionCount)
    access = .allocate(capacity: regionCount)
    for region in 0..<regionCount {
      let start = region * Self.regionByteCount
      (regions + region).initialize(
        to: Region(byteCount: min(Self.regionByteCount, byteCount - start)))
      (access + region).initialize(to: Atomic(Access.open))
    }
    let chunkByteCount = min(max(byteCount / 16, 64 << 10), 8 << 20)
    arena = Locked(ImageArena(chunkByteCount: chunkByteCount))
  }

  deinit {
    regions.deinitialize(count: regionCount).deallocate()
    access.deinitialize(count: regionCount).deallocate()
  }

  /// Calls `body` with a region while no other thread has it; nil if it was discarded.
  private func withRegion<Result>(_ region: Int, _ body: (inout Region) -> Result) -> Result? {
    var attempts = 0
    while true {
      let (isLocked, found) = access[region].compareExchange(
        expected: Access.open, desired: Access.locked, ordering: .acquiring)
      if isLocked { break }
      if found == Access.discarded { return nil }
      attempts += 1
      if attempts > 100 { sched_yield() }
    }
    defer {
      access[region].store(
        regions[region].byteCount == 0 ? Access.discarded : Access.open, ordering: .releasing)
    }
    return body(&regions[region])
  }

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
      withRegion(region) { state in
        let first = part.lowerBound / Self.granuleByteCount
        let last = (part.upperBound - 1) / Self.granuleByteCount
        let start = region * Self.granulesPerRegion
        for granule in first...last where !state.keeps(granule - start) {
          let image = arena.withLock { $0.take() }
          let offset = granule * Self.granuleByteCount
          image.bytes.copyMemory(
            from: memory.base + offset,
            byteCount: min(Self.granuleByteCount, memory.byteCount - offset))
          image.pointee = Image(granule: granule - start, next: state.last)
          state.last = image
          state.keep(granule - start)
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
    guard isFixed.load(ordering: .acquiring), !hasImages.load(ordering: .relaxed) else {
      return nil
    }
    return memory
  }

  /// Copies what the bytes at `range` were. Traps when they were discarded.
  func copy(_ range: Range<Int>, to target: UnsafeMutableRawPointer) {
    forEachRegion(range) { region, part in
      let target = target + (part.lowerBound - range.lowerBound)
      let isDone: Void? = withRegion(region) { state in
        guard state.imageCount > 0 else {
          return target.copyMemory(from: memory.base + part.lowerBound, byteCount: part.count)
        }
        state.withImages { copy(part, $0, ofRegion: region, to: target) }
      }
      precondition(isDone != nil, "bytes of a snapshot were read after they were discarded")
    }
  }

  /// Copies bytes of one region, given its images by granule. The caller holds the lock.
  private func copy(
    _ range: Range<Int>, _ images: UnsafeBufferPointer<UnsafeMutablePointer<Image>?>,
    ofRegion region: Int, to target: UnsafeMutableRawPointer
  ) {
    // From here on nothing was copied yet. Kept bytes in memory are not even read: they may be changing.
    var start = range.lowerBound
    func copy(upTo end: Int, from source: UnsafeRawPointer) {
      guard end > start else { return }
      (target + (start - range.lowerBound)).copyMemory(from: source, byteCount: end - start)
      start = end
    }
    for (index, image) in images.enumerated() {
      guard let image else { continue }
      let granule = region * Self.regionByteCount + index * Self.granuleByteCount
      let end = min(granule + Self.granuleByteCount, range.upperBound)
      guard end > range.lowerBound, granule < range.upperBound else { continue }
      copy(upTo: max(granule, range.lowerBound), from: memory.base + start)
      copy(upTo: end, from: image.bytes + (start - granule))
    }
    copy(upTo: range.upperBound, from: memory.base + start)
  }

  /// Bytes that are kept.
  var keptByteCount: Int {
    (0..<regionCount).reduce(0) { sum, region in
      sum + (withRegion(region) { $0.imageCount } ?? 0) * Self.granuleByteCount
    }
  }

  /// Gives up the bytes at `range`, which nobody will ask for again. Each byte may be given up once.
  func discard(_ range: Range<Int>) {
    forEachRegion(range) { region, part in
      let isDone: Void? = withRegion(region) { state in
        precondition(state.byteCount >= part.count, "bytes of a snapshot were discarded twice")
        state.byteCount -= part.count
        guard state.byteCount == 0 else { return }
        arena.withLock { [last = state.last] in $0.giveBack(last) }
        state.last = nil
        state.imageCount = 0
      }
      precondition(isDone != nil, "bytes of a snapshot were discarded twice")
    }
  }
}

// MARK: - Images

extension PreImages.Region {
  func keeps(_ granule: Int) -> Bool {
    withUnsafeBytes(of: isKept) { $0[granule >> 3] & 1 << (granule & 7) != 0 }
  }

  mutating func keep(_ granule: Int) {
    withUnsafeMutableBytes(of: &isKept) { $0[granule >> 3] |= 1 << (granule & 7) }
    imageCount += 1
  }

  /// Calls `body` with the images by granule.
  func withImages(
    _ body: (UnsafeBufferPointer<UnsafeMutablePointer<PreImages.Image>?>) -> Void
  ) {
    withUnsafeTemporaryAllocation(
      of: UnsafeMutablePointer<PreImages.Image>?.self, capacity: PreImages.granulesPerRegion
    ) { images in
      images.initialize(repeating: nil)
      var next = last
      while let image = next {
        images[image.pointee.granule] = image
        next = image.pointee.next
      }
      body(UnsafeBufferPointer(images))
    }
  }
}

extension UnsafeMutablePointer<PreImages.Image> {
  /// What the granule held.
  fileprivate var bytes: UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(self) + PreImages.Image.headerByteCount
  }
}

/// Room for images, got in pieces of many and kept until the end: fresh memory costs more than what is
/// copied there.
private struct ImageArena {
  private let chunkByteCount: Int
  /// Images that may be used again, each leading to the next.
  private var free: UnsafeMutablePointer<PreImages.Image>?
  private var chunks: [TensorMemory] = []
  private var position: Int

  init(chunkByteCount: Int) {
    self.chunkByteCount = chunkByteCount
    position = chunkByteCount
  }

  /// Room for an image, uninitialized.
  mutating func take() -> UnsafeMutablePointer<PreImages.Image> {
    if let image = free {
      free = image.pointee.next
      return image
    }
    if position + PreImages.Image.byteCount > chunkByteCount {
      chunks.append(TensorMemory(byteCount: chunkByteCount))
      position = 0
    }
    defer { position += PreImages.Image.byteCount }
    return (chunks[chunks.count - 1].base + position)
      .bindMemory(to: PreImages.Image.self, capacity: 1)
  }

  /// Takes back an image and those that it leads to.
  mutating func giveBack(_ last: UnsafeMutablePointer<PreImages.Image>?) {
    var next = last
    while let image = next {
      next = image.pointee.next
      image.pointee.next = free
      free = image
    }
  }
}
