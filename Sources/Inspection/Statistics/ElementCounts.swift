import CKernels
import Tensors

/// How many elements have which upper parts of their keys, counted by several threads.
///
/// Threads count into tables of their own, ``Table``, which are emptied into this one. A class because
/// threads share it; Sendable because the sums are locked.
final class ElementCounts: Sendable {
  let width: ElementWidth
  private let sums: Locked<[Int]>
  private let kind: Kind

  enum Kind: Sendable {
    case upper
    /// The lower parts of some uppers' keys: the slot of each upper, 0 for the others.
    case lower(slots: [UInt8])
  }

  init(_ kind: Kind, _ width: ElementWidth) {
    self.kind = kind
    self.width = width
    let count =
      switch kind {
      case .upper: width.upperCount
      case .lower(let slots): Int(slots.max() ?? 0) * CK_LOWER_COUNT
      }
    sums = Locked([Int](repeating: 0, count: count))
  }

  /// What all tables that were emptied have counted.
  var totals: [Int] { sums.withLock { $0 } }

  /// The counts of one thread.
  struct Table: ~Copyable {
    private let counts: UnsafeMutableBufferPointer<UInt32>
    private let owner: ElementCounts
    private let copies: Int
    private var elementCount = 0

    init(of owner: ElementCounts) {
      self.owner = owner
      copies = if case (.upper, .single) = (owner.kind, owner.width) { 4 } else { 1 }
      counts = .allocate(capacity: copies * owner.sums.withLock { $0.count })
      counts.initialize(repeating: 0)
    }

    deinit { counts.deallocate() }

    mutating func add(_ block: ElementBlock) {
      // No count may overflow.
      if elementCount + block.count > UInt32.max { empty() }
      elementCount += block.count
      switch (owner.kind, block) {
      case (.upper, .single(let elements)):
        ck_count_upper_f32(elements.count, elements.baseAddress, counts.baseAddress)
      case (.upper, .double(let elements)):
        ck_count_upper_f64(elements.count, elements.baseAddress, counts.baseAddress)
      case (.lower(let slots), .single(let elements)):
        ck_count_lower_f32(elements.count, elements.baseAddress, slots, counts.baseAddress)
      case (.lower(let slots), .double(let elements)):
        ck_count_lower_f64(elements.count, elements.baseAddress, slots, counts.baseAddress)
      }
    }

    /// Adds the counts to those of the owner, and begins anew.
    mutating func empty() {
      owner.sums.withLock { sums in
        for copy in 0..<copies {
          for index in sums.indices { sums[index] += Int(counts[copy * sums.count + index]) }
        }
      }
      counts.update(repeating: 0)
      elementCount = 0
    }
  }
}
