public import Checkpoints
public import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// MARK: - Tensors in memory and in files

extension TensorStatistics {
  /// Of a tensor in memory.
  public init(of tensor: Tensor, detail: Detail = .distribution) {
    self.init(tensor.dtype, count: tensor.elementCount, pieceCount: 1, detail) { reading, _ in
      var worker = ElementReading.Worker(reading)
      tensor.withUnsafeBytes { worker.take($0, piece: 0) }
      worker.finish()
    }
  }

  /// Of a tensor in a file, read in pieces, with digests compared.
  ///
  /// - Parameter threadCount: by default one for each processor, but no more than four: each needs up to 25
  ///   MB.
  /// - Throws: `unsupported` if the elements are no numbers, otherwise what reading throws.
  public init(
    reading entry: CheckpointEntry, of reader: borrowing CheckpointReader,
    detail: Detail = .distribution, threadCount: Int = Self.defaultThreadCount
  ) throws(CheckpointError) {
    if let tensor = try reader.piecewise(entry) {
      try self.init(tensor, detail, threadCount: threadCount)
      return
    }
    let dtype = try entry.requireDType(path: reader.path)
    try self.init(dtype, count: entry.shape.elementCount, pieceCount: 1, detail) {
      (reading, isFirst) throws(CheckpointError) in
      var worker = ElementReading.Worker(reading)
      try reader.readInOrder(entry, verifying: isFirst) { worker.take($0, piece: 0) }
      worker.finish()
    }
  }

  /// Of several tensors: small ones side by side, large ones one after the other, by all threads.
  ///
  /// - Returns: for each entry its statistics; nil where the elements are no numbers.
  /// - Throws: what reading throws.
  public static func reading(
    _ entries: [CheckpointEntry], of reader: borrowing CheckpointReader,
    detail: Detail = .distribution, threadCount: Int = Self.defaultThreadCount
  ) throws(CheckpointError) -> [TensorStatistics?] {
    var small: [(index: Int, tensor: PiecewiseTensor)] = []
    for (index, entry) in entries.enumerated() where entry.dtype != nil {
      if let tensor = try reader.piecewise(entry), tensor.pieceCount <= 4 {
        small.append((index, tensor))
      }
    }
    let found = Locked([TensorStatistics?](repeating: nil, count: entries.count))
    try PieceQueue.perform(pieceCount: small.count, threadCount: threadCount) {
      [small] (queue) throws(CheckpointError) in
      while let number = queue.next() {
        let statistics = try TensorStatistics(small[number].tensor, detail, threadCount: 1)
        found.withLock { $0[small[number].index] = statistics }
      }
    }
    var all = found.withLock { $0 }
    for (index, entry) in entries.enumerated() where entry.dtype != nil && all[index] == nil {
      all[index] = try TensorStatistics(
        reading: entry, of: reader, detail: detail, threadCount: threadCount)
    }
    return all
  }

  public static var defaultThreadCount: Int {
    max(1, min(4, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  }

  private init(
    _ tensor: PiecewiseTensor, _ detail: Detail, threadCount: Int
  ) throws(CheckpointError) {
    let pieceCount = tensor.pieceCount
    try self.init(
      tensor.entry.dtype!, count: tensor.entry.shape.elementCount, pieceCount: pieceCount, detail
    ) { (reading, isFirst) throws(CheckpointError) in
      try PieceQueue.perform(pieceCount: pieceCount, threadCount: threadCount) {
        (queue) throws(CheckpointError) in
        let buffer = UnsafeMutableRawBufferPointer.allocate(
          byteCount: PiecewiseTensor.stepByteCount, alignment: 4096)
        defer { buffer.deallocate() }
        var worker = ElementReading.Worker(reading)
        while let piece = queue.next() {
          try tensor.readPiece(piece, into: buffer, verifying: isFirst) {
            worker.take($0, piece: piece)
          }
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
    _ dtype: DType, count: Int, pieceCount: Int, _ detail: Detail,
    read: (ElementReading, _ isFirst: Bool) throws(Failure) -> Void
  ) throws(Failure) {
    let width = ElementWidth(dtype)
    func collect(
      _ purpose: ElementReading.Purpose, isFirst: Bool = true
    ) throws(Failure) -> ElementReading {
      let reading = ElementReading(purpose, dtype, pieceCount: pieceCount)
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
