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
  public static func number(_ value: Double) -> String {
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
