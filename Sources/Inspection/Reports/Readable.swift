#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Numbers as people read them.
public enum Readable {
  /// `512 B`, `32.0 KiB`, `1.5 GiB`.
  public static func bytes(_ count: Int) -> String {
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
  public static func number(_ value: Double) -> String { rounded(value, digits: 6) }

  /// Up to so many significant digits.
  public static func rounded(_ value: Double, digits: Int) -> String {
    if value == 0 { return "0" }
    guard value.isFinite else { return "\(value)" }
    var exponent = Int(log10(value.magnitude).rounded(.down))
    // What rounds up to the next power of ten is written as that.
    let power = pow(10, Double(digits - 1))
    if (value.magnitude / pow(10, Double(exponent)) * power).rounded() == power * 10 {
      exponent += 1
    }
    if exponent < -4 || exponent > 8 {
      let scaled = value / pow(10, Double(exponent))
      return "\(trimmed(scaled, decimals: digits - 1))e\(exponent)"
    }
    return trimmed(value, decimals: max(0, digits - 1 - exponent))
  }

  /// `3.1%`; what is not none and not all never reads as such.
  public static func share(_ part: Int, of whole: Int) -> String {
    guard part > 0, part < whole else { return part == 0 ? "0%" : "100%" }
    let share = 100 * Double(part) / Double(whole)
    if share < 0.1 { return "<0.1%" }
    return share > 99.9 ? ">99.9%" : "\((share * 10).rounded() / 10)%"
  }

  /// `1,234,567`.
  public static func count(_ count: Int) -> String {
    var text = ""
    for (index, digit) in String(count).reversed().enumerated() {
      if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
      text.append(digit)
    }
    return String(text.reversed())
  }

  private static func trimmed(_ value: Double, decimals: Int) -> String {
    let scale = pow(10, Double(decimals))
    let text = "\((value * scale).rounded() / scale)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
