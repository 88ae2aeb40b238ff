extension Histogram {
  /// A block for each bin, as high as its share of the highest; a bin with a few elements is never empty.
  public var sparkline: String {
    let blocks = Array("▁▂▃▄▅▆▇█")
    guard let highest = counts.max(), highest > 0 else { return "" }
    return String(
      counts.map { count in
        if count == 0 { return " " }
        return blocks[min(blocks.count - 1, count * blocks.count / highest)]
      })
  }
}
