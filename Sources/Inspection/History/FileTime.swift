#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// When a file was last changed: for a checkpoint, when it was committed, unless it was copied since.
struct FileTime: Sendable, Hashable {
  /// Since 1970, UTC.
  let seconds: Int

  /// Nil when there is nothing of the name.
  init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    #if canImport(Glibc)
      seconds = Int(status.st_mtim.tv_sec)
    #else
      seconds = Int(status.st_mtimespec.tv_sec)
    #endif
  }

  /// ISO 8601, UTC: `2026-03-01T12:00:00Z`.
  var iso8601: String { text("T") + "Z" }

  /// For people, UTC: `2026-03-01 12:00:00`.
  var readable: String { text(" ") }

  private func text(_ separator: String) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    func digits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let date = "\(parts.tm_year + 1900)-\(digits(parts.tm_mon + 1))-\(digits(parts.tm_mday))"
    let hour = "\(digits(parts.tm_hour)):\(digits(parts.tm_min)):\(digits(parts.tm_sec))"
    return date + separator + hour
  }
}
