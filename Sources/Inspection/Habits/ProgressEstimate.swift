/// How far work on a known number of bytes has come, in words for a terminal.
public struct ProgressEstimate: Sendable {
  /// Bytes of all the work; 0 when that is not known.
  public let total: Int
  /// The rate of the last seconds counts, not that since the beginning: disks grow warm.
  private var samples: [(seconds: Double, bytes: Int)] = []
  private static let windowSeconds = 5.0

  public init(total: Int) { self.total = total }

  /// Takes how much is done at a moment.
  ///
  /// - Parameters:
  ///   - bytes: done since the beginning.
  ///   - seconds: since the beginning.
  public mutating func update(bytes: Int, seconds: Double) {
    samples.append((seconds, bytes))
    while samples.count > 2, samples[0].seconds < seconds - Self.windowSeconds {
      samples.removeFirst()
    }
  }

  /// Bytes a second; 0 as long as nothing can be said.
  public var rate: Double {
    guard let first = samples.first, let last = samples.last, last.seconds > first.seconds else {
      return 0
    }
    return Double(last.bytes - first.bytes) / (last.seconds - first.seconds)
  }

  /// `verifying  37 %  1.2 GiB of 3.2 GiB  410.0 MiB/s  5 s left`.
  ///
  /// - Parameter columns: of the terminal. A line that does not fit in all but the last of them loses what
  ///   tells least: a terminal that has wrapped a line takes back only a part of it.
  public func line(_ what: String, columns: Int = .max) -> String {
    var parts = parts(of: what)
    func line() -> String { parts.map(\.text).joined(separator: "  ") }
    while line().columnCount >= columns,
      let least = parts.indices.min(by: { parts[$0].worth < parts[$1].worth })
    {
      parts.remove(at: least)
    }
    return line()
  }

  /// What there is to tell, in the order of the line; what is worth more stays longer.
  private func parts(of what: String) -> [(text: String, worth: Int)] {
    let done = min(samples.last?.bytes ?? 0, total > 0 ? total : .max)
    var parts = [(what, 3)]
    if total > 0 {
      // 100 % is for work that is done, and work that is done has no progress.
      parts.append(("\(min(99, Int(Double(done) / Double(total) * 100))) %", 5))
      parts.append(("\(Readable.bytes(done)) of \(Readable.bytes(total))", 1))
    } else {
      parts.append((Readable.bytes(done), 4))
    }
    if rate > 0 {
      parts.append(("\(Readable.bytes(Int(rate)))/s", 2))
      if total > 0 { parts.append(("\(Self.duration(Double(total - done) / rate)) left", 4)) }
    }
    return parts
  }

  /// `5 s`, `3 min 20 s`, `2 h 5 min`.
  static func duration(_ seconds: Double) -> String {
    let seconds = Int(min(seconds.rounded(.up), 1e9))
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    default: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
  }
}
