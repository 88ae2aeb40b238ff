/// A box of elements: so many along each axis, from a start.
struct Hyperslab: Hashable {
  let start: [Int]
  let count: [Int]

  var elementCount: Int { count.reduce(1, *) }

  /// The boxes that hold the elements at some positions, counted row-major, in their order.
  ///
  /// - Parameter positions: not empty, and inside the shape, which has an axis at least.
  static func covering(_ positions: Range<Int>, of shape: [Int]) -> [Hyperslab] {
    var boxes: [Hyperslab] = []
    append(positions, of: shape[...], prefix: [], to: &boxes)
    return boxes
  }

  private static func append(
    _ positions: Range<Int>, of shape: ArraySlice<Int>, prefix: [Int],
    to boxes: inout [Hyperslab]
  ) {
    guard !positions.isEmpty else { return }
    let inner = shape.dropFirst()
    let rowLength = inner.reduce(1, *)
    var position = positions.lowerBound
    while position < positions.upperBound {
      let row = position / rowLength
      let isRowBegun = position % rowLength != 0
      let rows = positions.upperBound / rowLength - row
      if !isRowBegun, rows > 0 {
        boxes.append(
          Hyperslab(
            start: prefix + [row] + inner.map { _ in 0 },
            count: prefix.map { _ in 1 } + [rows] + inner))
        position += rows * rowLength
      } else {
        // Part of one row.
        let end = min(positions.upperBound, (row + 1) * rowLength)
        append(
          position - row * rowLength..<end - row * rowLength, of: inner, prefix: prefix + [row],
          to: &boxes)
        position = end
      }
    }
  }
}
