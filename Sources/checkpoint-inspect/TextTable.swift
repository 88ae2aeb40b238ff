#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Lines whose columns are padded to equal width; the last is not padded.
struct TextTable {
  private var rows: [[String]] = []

  mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, two spaces between columns.
  var lines: [String] {
    var widths: [Int] = []
    for row in rows {
      for (column, cell) in row.dropLast().enumerated() {
        if column == widths.count { widths.append(0) }
        widths[column] = max(widths[column], cell.count)
      }
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        line += cell
        if column < row.count - 1 {
          line += String(repeating: " ", count: widths[column] - cell.count + 2)
        }
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

/// Numbers as people read them.
enum Readable {
  /// `512 B`, `32.0 KiB`, `1.5 GiB`.
  static func bytes(_ count: Int) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"]
    var value = Double(count)
    var unit = "B"
    for next in units where value >= 1024 {
      value /= 1024
      unit = next
    }
    return unit == "B" ? "\(count) B" : "\((value * 10).rounded() / 10) \(unit)"
  }

  /// Up to six significant digits.
  static func number(_ value: Double) -> String {
    if value == 0 { return "0" }
    guard value.isFinite else { return "\(value)" }
    var exponent = Int(log10(value.magnitude).rounded(.down))
    // What rounds up to the next power of ten is written as that.
    if (value.magnitude / pow(10, Double(exponent)) * 1e5).rounded() == 1e6 { exponent += 1 }
    if exponent < -4 || exponent > 8 {
      let digits = value / pow(10, Double(exponent))
      return "\(trimmed(digits, decimals: 5))e\(exponent)"
    }
    return trimmed(value, decimals: max(0, 5 - exponent))
  }

  private static func trimmed(_ value: Double, decimals: Int) -> String {
    let scale = pow(10, Double(decimals))
    let text = "\((value * scale).rounded() / scale)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
