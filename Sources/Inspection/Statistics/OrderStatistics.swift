/// The finite elements of a tensor in ascending order, as far as questions about them go.
///
/// A small tensor is sorted. Of a large one the upper parts of all keys are counted in one pass; in a
/// second one the lower parts of those keys that hold an answer. Exact for elements of at most 32 bits other
/// than integers; for the others to one part in 2^23.
struct OrderStatistics {
  private let form: Form

  private enum Form {
    case sorted([Double])
    case counted(ElementWidth, below: [Int], slots: [UInt8], lower: [Int])
  }

  init(sorting elements: [Double]) { form = .sorted(elements.sorted()) }

  init(upper: UpperCounts, slots: [UInt8], lower: [Int]) {
    form = .counted(upper.width, below: upper.below, slots: slots, lower: lower)
  }

  /// The element that `rank` others stand before.
  func element(_ rank: Int) -> Double {
    switch form {
    case .sorted(let elements): return elements[rank]
    case .counted(let width, let below, let slots, let lower):
      let upper = UpperCounts.upper(ofRank: rank, below, width)
      let counts = Self.counts(of: upper, slots, lower)
      var rest = rank - below[upper]
      let index = counts.firstIndex { count in
        rest -= count
        return rest < 0
      }!
      return ElementKey(upper: upper, lower: index - counts.startIndex).value(width)
    }
  }

  /// The number of elements below `edge`, which is the value of a key.
  func count(below edge: Double) -> Int {
    switch form {
    case .sorted(let elements):
      var range = 0..<elements.count
      while !range.isEmpty {
        let middle = (range.lowerBound + range.upperBound) / 2
        if elements[middle] < edge {
          range = middle + 1..<range.upperBound
        } else {
          range = range.lowerBound..<middle
        }
      }
      return range.lowerBound
    case .counted(let width, let below, let slots, let lower):
      let key = ElementKey(edge, width)
      return below[key.upper]
        + Self.counts(of: key.upper, slots, lower).prefix(key.lower).reduce(0, +)
    }
  }

  private static func counts(of upper: Int, _ slots: [UInt8], _ lower: [Int]) -> ArraySlice<Int> {
    let slot = Int(slots[upper])
    precondition(slot > 0, "the lower parts of upper \(upper) were not counted")
    let size = 1 << Int(ElementKey.lowerBitCount)
    return lower[(slot - 1) * size..<slot * size]
  }
}

/// The first pass over a large tensor.
struct UpperCounts {
  let width: ElementWidth
  /// By upper part: how many finite elements have a smaller one.
  let below: [Int]

  init(_ counts: [Int], _ width: ElementWidth) {
    self.width = width
    var below = [Int](repeating: 0, count: counts.count + 1)
    let finite = width.finiteUppers
    for upper in counts.indices {
      below[upper + 1] = below[upper] + (finite.contains(upper) ? counts[upper] : 0)
    }
    self.below = below
  }

  /// A slot for the lower parts of each upper part that one must look into to find the elements of some
  /// ranks, and how many lie below some edges.
  func slots(ranks: [Int], edges: [Double]) -> [UInt8] {
    var slots = [UInt8](repeating: 0, count: width.upperCount)
    var next: UInt8 = 1
    let wanted =
      ranks.map { Self.upper(ofRank: $0, below, width) }
      + edges.map { ElementKey($0, width).upper }
    for upper in wanted where slots[upper] == 0 {
      slots[upper] = next
      next += 1
    }
    return slots
  }

  /// The upper part of the element that `rank` others stand before.
  static func upper(ofRank rank: Int, _ below: [Int], _ width: ElementWidth) -> Int {
    var range = width.finiteUppers
    // The last upper part with at most `rank` elements below it.
    while range.count > 1 {
      let middle = (range.lowerBound + range.upperBound) / 2
      range =
        below[middle] <= rank
        ? middle..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }
}
