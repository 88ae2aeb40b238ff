import Checkpoints
import Tensors

/// What one reading of all elements of a tensor collects; several threads take part, each with a
/// ``Worker``.
///
/// A class because threads share it; Sendable because everything that changes is locked.
final class ElementReading: Sendable {
  private let dtype: DType
  private let purpose: Purpose
  /// By step, so that they can be merged in order, whoever was first.
  private let moments: Locked<[Moments]>
  private let elements = Locked<[Double]>([])

  enum Purpose: Sendable {
    case moments
    /// Moments, and the elements themselves.
    case elements
    /// Moments, and counts of upper parts.
    case upperCounts(ElementCounts)
    /// Counts of lower parts.
    case lowerCounts(ElementCounts)
  }

  /// Bytes of a step: the sums of each are put together by themselves, so that they do not depend on the
  /// blocks in which a tensor is read.
  private static let stepByteCount = TensorSource.smallestBlockByteCount

  init(_ purpose: Purpose, _ dtype: DType, elementCount: Int) {
    self.purpose = purpose
    self.dtype = dtype
    let byteCount = elementCount * dtype.byteCount
    moments = Locked(
      [Moments](
        repeating: Moments(), count: (byteCount + Self.stepByteCount - 1) / Self.stepByteCount))
  }

  /// Of everything that was taken.
  var allMoments: Moments {
    moments.withLock { $0.reduce(into: Moments()) { $0.merge($1) } }
  }

  var allElements: [Double] { elements.withLock { $0 } }

  /// The part of one thread.
  struct Worker: ~Copyable {
    private let reading: ElementReading
    private let blocks: ElementBlocks
    private var table: ElementCounts.Table?

    init(_ reading: ElementReading) {
      self.reading = reading
      blocks = ElementBlocks(reading.dtype)
      table =
        switch reading.purpose {
        case .moments, .elements: nil
        case .upperCounts(let counts), .lowerCounts(let counts): ElementCounts.Table(of: counts)
        }
    }

    /// Takes some of the elements.
    ///
    /// - Parameter position: the place of the first byte in the tensor, where a step begins.
    mutating func take(_ bytes: UnsafeRawBufferPointer, from position: Int) {
      let length = ElementReading.stepByteCount
      for start in stride(from: 0, to: bytes.count, by: length) {
        let step = bytes[start..<min(start + length, bytes.count)]
        take(UnsafeRawBufferPointer(rebasing: step), step: (position + start) / length)
      }
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer, step: Int) {
      var moments = Moments()
      let reading = reading
      switch reading.purpose {
      case .moments: blocks.forEach(bytes) { moments.merge(Moments($0)) }
      case .elements:
        blocks.forEach(bytes) { block in
          moments.merge(Moments(block))
          reading.elements.withLock { $0 += block.numbers }
        }
      case .upperCounts:
        blocks.forEach(bytes) { block in
          moments.merge(Moments(block))
          table?.add(block)
        }
      case .lowerCounts:
        blocks.forEach(bytes) { table?.add($0) }
        return
      }
      reading.moments.withLock { $0[step] = moments }
    }

    /// To be called when the thread has nothing more to take.
    mutating func finish() { table?.empty() }
  }
}

extension ElementBlock {
  fileprivate var numbers: [Double] {
    switch self {
    case .single(let elements): elements.map { Double($0) }
    case .double(let elements): Array(elements)
    }
  }
}
