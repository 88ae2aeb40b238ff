public import Checkpoints
public import Tensors

// MARK: - Tensors in memory and in files

extension TensorStatistics {
  /// Of a tensor in memory.
  public init(of tensor: Tensor, detail: Detail = .distribution) {
    self.init(tensor.dtype, count: tensor.elementCount, detail) { reading, _ in
      var worker = ElementReading.Worker(reading)
      tensor.withUnsafeBytes { worker.take($0, from: 0) }
      worker.finish()
    }
  }

  /// Of a tensor in a file, read in blocks, with digests compared.
  ///
  /// - Parameter threadCount: by default one for each processor, but no more than four: each needs up to 25
  ///   MB.
  /// - Throws: `unsupported` if the elements are no numbers, otherwise what reading throws.
  public init(
    reading entry: CheckpointEntry, of reader: borrowing CheckpointReader,
    detail: Detail = .distribution, threadCount: Int = Self.defaultThreadCount
  ) throws(CheckpointError) {
    try self.init(try reader.sources(of: [entry])[0], detail, threadCount: threadCount)
  }

  /// Of several tensors: small ones side by side, large ones one after the other, by all threads.
  ///
  /// - Returns: for each entry its statistics; nil where the elements are no numbers.
  /// - Throws: what reading throws.
  public static func reading(
    _ entries: [CheckpointEntry], of reader: borrowing CheckpointReader,
    detail: Detail = .distribution, threadCount: Int = Self.defaultThreadCount
  ) throws(CheckpointError) -> [TensorStatistics?] {
    let small = entries.indices.filter {
      entries[$0].dtype != nil && entries[$0].byteOffset != nil
        && entries[$0].byteCount <= smallByteCount
    }
    let sources = try reader.sources(of: small.map { entries[$0] })
    let found = Locked([TensorStatistics?](repeating: nil, count: entries.count))
    try PieceQueue.perform(pieceCount: small.count, threadCount: threadCount) {
      (queue) throws(CheckpointError) in
      while let number = queue.next() {
        let statistics = try TensorStatistics(sources[number], detail, threadCount: 1)
        found.withLock { $0[small[number]] = statistics }
      }
    }
    var all = found.withLock { $0 }
    for (index, entry) in entries.enumerated() where entry.dtype != nil && all[index] == nil {
      all[index] = try TensorStatistics(
        reading: entry, of: reader, detail: detail, threadCount: threadCount)
    }
    return all
  }

  /// Tensors of at most so many bytes keep one thread busy, not all.
  private static let smallByteCount = 16 << 20

  public static var defaultThreadCount: Int { min(4, TensorSource.defaultThreadCount) }

  private init(
    _ source: TensorSource, _ detail: Detail, threadCount: Int
  ) throws(CheckpointError) {
    try self.init(source.dtype, count: source.entry.shape.elementCount, detail) {
      (reading, isFirst) throws(CheckpointError) in
      try TensorSource.withBlocks(of: [source], threadCount: threadCount, verifying: isFirst) {
        (blocks) throws(CheckpointError) in
        var worker = ElementReading.Worker(reading)
        while let block = try blocks.next() {
          let position = block.positions.lowerBound * source.dtype.byteCount
          block.tensors[0].withUnsafeBytes { worker.take($0, from: position) }
        }
        worker.finish()
      }
    }
  }
}

// MARK: - One or two readings

extension TensorStatistics {
  /// Tensors of at most so many elements are sorted.
  static let sortedCount = 4096

  /// - Parameter read: gives all elements to a reading; told whether it is the first.
  private init<Failure: Error>(
    _ dtype: DType, count: Int, _ detail: Detail,
    read: (ElementReading, _ isFirst: Bool) throws(Failure) -> Void
  ) throws(Failure) {
    let width = ElementWidth(dtype)
    func collect(
      _ purpose: ElementReading.Purpose, isFirst: Bool = true
    ) throws(Failure) -> ElementReading {
      let reading = ElementReading(purpose, dtype, elementCount: count)
      try read(reading, isFirst)
      return reading
    }
    if detail == .moments {
      self.init(try collect(.moments).allMoments, nil)
      return
    }
    if count <= Self.sortedCount {
      let reading = try collect(.elements)
      let order = OrderStatistics(sorting: reading.allElements.filter(\.isFinite))
      self.init(reading.allMoments, width) { _ in order }
      return
    }
    let uppers = ElementCounts(.upper, width)
    let moments = try collect(.upperCounts(uppers)).allMoments
    let upper = UpperCounts(uppers.totals, width)
    try self.init(moments, width) { (edges) throws(Failure) in
      let slots = upper.slots(
        ranks: Distribution.ranks(moments.finiteCount), edges: Array(edges.dropFirst().dropLast()))
      let lower = ElementCounts(.lower(slots: slots), width)
      _ = try collect(.lowerCounts(lower), isFirst: false)
      return OrderStatistics(upper: upper, slots: slots, lower: lower.totals)
    }
  }

  /// - Parameter order: finds out what the distribution needs to know, given the edges of its histogram;
  ///   not called when moments tell everything.
  private init<Failure: Error>(
    _ moments: Moments, _ width: ElementWidth,
    order: (_ edges: [Double]) throws(Failure) -> OrderStatistics
  ) throws(Failure) {
    guard moments.finiteCount > 0 else {
      self.init(moments, nil)
      return
    }
    if moments.minimum == moments.maximum {
      self.init(moments, Distribution(count: moments.finiteCount, of: moments.minimum))
      return
    }
    let edges = Histogram.edges(from: moments.minimum, to: moments.maximum, width)
    self.init(moments, Distribution(of: moments, edges: edges, try order(edges)))
  }
}
