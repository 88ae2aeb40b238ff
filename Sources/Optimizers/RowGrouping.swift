/// The distinct rows of a row-indexed gradient and where each occurs: rows in order of first
/// appearance, the occurrences of a row in order of appearance.
///
/// Takes time and room in proportion to the number of indices, whatever the size of the table that they
/// index, and keeps its room for the next use.
struct RowGrouping {
  /// The number of distinct rows.
  private(set) var groupCount = 0
  private var indexCount = 0
  /// One array for all lists, so that a step touches its bounds and its reference count once: the
  /// distinct rows, the starts, the positions, the group of each index, the hash table.
  private var room: [Int] = []

  mutating func group(_ indices: [Int]) {
    var tableSize = 16
    while tableSize < 2 * indices.count { tableSize *= 2 }
    indexCount = indices.count
    let needed = 4 * indexCount + 1 + tableSize
    if room.count < needed { room = Array(repeating: 0, count: needed) }
    groupCount = room.withUnsafeMutableBufferPointer { room in
      indices.withUnsafeBufferPointer { indices in
        Lists(room, indexCount: indices.count, tableSize: tableSize).fill(from: indices)
      }
    }
  }

  /// Calls `body` with the groups, which are valid during the call.
  func withGroups<Result>(_ body: (RowGroups) -> Result) -> Result {
    room.withUnsafeBufferPointer { room in
      guard let base = room.baseAddress else {
        preconditionFailure("rows must be grouped before they are used")
      }
      return body(
        RowGroups(
          count: groupCount, rows: base, starts: base + indexCount,
          positions: base + 2 * indexCount + 1))
    }
  }
}

/// Groups of equal rows, in the order in which they first appear.
struct RowGroups {
  let count: Int
  /// The distinct rows.
  let rows: UnsafePointer<Int>
  /// The occurrences of `rows[g]` are `positions[starts[g]]` up to, not including, that of `starts[g + 1]`.
  let starts: UnsafePointer<Int>
  /// Places in the list of indices.
  let positions: UnsafePointer<Int>
}

/// The lists inside a grouping's room.
private struct Lists {
  let rows, starts, positions, groups: UnsafeMutablePointer<Int>
  /// Open addressing: group number plus one, or 0; at most half full.
  let table: UnsafeMutableBufferPointer<Int>

  init(_ room: UnsafeMutableBufferPointer<Int>, indexCount: Int, tableSize: Int) {
    guard let base = room.baseAddress else { preconditionFailure("there is always a table") }
    rows = base
    starts = rows + indexCount
    positions = starts + indexCount + 1
    groups = positions + indexCount
    table = UnsafeMutableBufferPointer(start: groups + indexCount, count: tableSize)
  }

  /// Returns the number of groups.
  func fill(from indices: UnsafeBufferPointer<Int>) -> Int {
    table.update(repeating: 0)
    var groupCount = 0
    for (position, row) in indices.enumerated() {
      let group = group(of: row, &groupCount)
      groups[position] = group
      starts[group] += 1
    }
    // Counts become ends; walking back from the last occurrence turns ends into starts.
    var end = 0
    for group in 0..<groupCount {
      end += starts[group]
      starts[group] = end
    }
    starts[groupCount] = end
    for position in indices.indices.reversed() {
      let group = groups[position]
      starts[group] -= 1
      positions[starts[group]] = position
    }
    return groupCount
  }

  /// The number of `row`'s group, a new one if it was not seen before.
  private func group(of row: Int, _ groupCount: inout Int) -> Int {
    let mask = table.count - 1
    // Fibonacci hashing: the upper bits of the product depend on all of the index.
    var slot =
      Int(truncatingIfNeeded: (UInt(bitPattern: row) &* 0x9E37_79B9_7F4A_7C15) >> 20) & mask
    while table[slot] != 0 {
      let group = table[slot] - 1
      if rows[group] == row { return group }
      slot = (slot &+ 1) & mask
    }
    rows[groupCount] = row
    starts[groupCount] = 0
    groupCount += 1
    table[slot] = groupCount
    return groupCount - 1
  }
}
