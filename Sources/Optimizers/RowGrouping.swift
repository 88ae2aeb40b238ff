/// The distinct rows of a row-indexed gradient and where each occurs: rows in order of first
/// appearance, the occurrences of a row in order of appearance.
///
/// Takes time and room in proportion to the number of indices, whatever the size of the table that they
/// index, and keeps its room for the next use.
struct RowGrouping {
  /// The distinct rows.
  private(set) var rows: [Int] = []
  /// The occurrences of `rows[g]` are `positions[starts[g]..<starts[g + 1]]`.
  private(set) var starts: [Int] = []
  /// Places in the list of indices.
  private(set) var positions: [Int] = []

  /// Hash table with open addressing: group number plus one, or 0.
  private var table: [Int] = []
  private var groups: [Int] = []

  mutating func group(_ indices: [Int]) {
    resetTable(capacity: indices.count)
    rows.removeAll(keepingCapacity: true)
    groups.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    for index in indices {
      let group = group(of: index)
      groups.append(group)
      starts[group] += 1
    }
    // Counts become ends; walking back from the last occurrence turns ends into starts.
    var end = 0
    for group in rows.indices {
      end += starts[group]
      starts[group] = end
    }
    starts.append(end)
    if positions.count < indices.count {
      positions = Array(repeating: 0, count: indices.count)
    }
    for position in indices.indices.reversed() {
      let group = groups[position]
      starts[group] -= 1
      positions[starts[group]] = position
    }
  }

  /// The number of `row`'s group, a new one if it was not seen before.
  private mutating func group(of row: Int) -> Int {
    let mask = table.count - 1
    // Fibonacci hashing: the upper bits of the product depend on all of the index.
    var slot =
      Int(truncatingIfNeeded: (UInt(bitPattern: row) &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
    while table[slot] != 0 {
      let group = table[slot] - 1
      if rows[group] == row { return group }
      slot = (slot + 1) & mask
    }
    rows.append(row)
    starts.append(0)
    table[slot] = rows.count
    return rows.count - 1
  }

  /// Empty, and at most half full with `capacity` rows.
  private mutating func resetTable(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: size))
  }
}
