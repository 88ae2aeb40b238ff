import Checkpoints
import Dispatch
import Inspection

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One line on standard error that tells how far long work has come: on terminals only, and only once the
/// work has taken a while.
///
/// What is done is what the kernel counted that this process, and those that it started, have read and
/// written, so that work is watched without a word from it, and at no cost to it. Where the kernel does not
/// tell (outside Linux) there is no line.
enum ProgressLine {
  private static let intervalSeconds = 0.2

  /// Nothing is shown of work that is done sooner. With 0 every work shows something, however short it is.
  private static var delaySeconds: Double {
    let text = getenv("CHECKPOINT_INSPECT_PROGRESS_DELAY").map { String(cString: $0) }
    return text.flatMap { Double($0) } ?? 0.5
  }

  /// Does some work.
  ///
  /// - Parameters:
  ///   - what: the work in one word, such as `verifying`, and on what, where that is not the command's
  ///     argument.
  ///   - byteCount: bytes that it reads and writes; 0 when that is not known.
  ///   - movesOfByte: how often each of them is read and written.
  static func showing<Value: ~Copyable, Failure: Error>(
    _ what: String, byteCount: @autoclosure () -> Int, movesOfByte: Int = 1,
    _ work: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard Console.isObedient(STDERR_FILENO), let start = bytesMoved() else { return try work() }
    let delay = delaySeconds
    let what = what.withoutControlCharacters
    var estimate = ProgressEstimate(total: byteCount())
    estimate.update(bytes: 0, seconds: 0)
    if delay <= 0 { show(estimate, of: what) }
    let isDone = DispatchSemaphore(value: 0)
    let hasStopped = DispatchSemaphore(value: 0)
    DispatchQueue.global().async { [estimate] in
      watch(
        what, estimate, after: delay, until: isDone,
        bytesDone: { bytesMoved().map { ($0 - start) / movesOfByte } })
      hasStopped.signal()
    }
    defer {
      isDone.signal()
      hasStopped.wait()
    }
    return try work()
  }

  private static func watch(
    _ what: String, _ estimate: ProgressEstimate, after delay: Double,
    until isDone: DispatchSemaphore, bytesDone: () -> Int?
  ) {
    var estimate = estimate
    var seconds = 0.0
    var done = 0
    var isShown = delay <= 0
    while isDone.wait(timeout: .now() + intervalSeconds) == .timedOut {
      seconds += intervalSeconds
      guard let now = bytesDone() else { continue }
      // A process that has just ended is counted neither as one that runs nor yet with this one.
      done = max(done, now)
      estimate.update(bytes: done, seconds: seconds)
      guard seconds > delay else { continue }
      isShown = true
      show(estimate, of: what)
    }
    if isShown { put("\r\u{1B}[K") }
  }

  private static func show(_ estimate: ProgressEstimate, of what: String) {
    put("\r\u{1B}[K\(estimate.line(what, columns: columnCount))")
  }

  /// Columns of the terminal; without limit where it does not tell.
  private static var columnCount: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return .max }
    return Int(size.ws_col)
  }

  private static func put(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  // MARK: - What was moved

  /// Bytes that this process and those that its main thread has started have read and written; of those that
  /// have ended the kernel counts them as its own.
  private static func bytesMoved() -> Int? {
    guard let own = bytesMoved(by: "self") else { return nil }
    let running = text(of: "/proc/self/task/\(getpid())/children")?.split(separator: " ") ?? []
    return running.reduce(own) { $0 + (bytesMoved(by: $1) ?? 0) }
  }

  /// The sum of `rchar` and `wchar` of proc(5)'s `io`: all calls that read and write, from memory or disk.
  private static func bytesMoved(by process: Substring) -> Int? {
    guard let text = text(of: "/proc/\(process)/io") else { return nil }
    let counts = text.split(separator: "\n").prefix(2).compactMap { line in
      line.split(separator: " ").last.flatMap { Int($0) }
    }
    return counts.count == 2 ? counts[0] + counts[1] : nil
  }

  private static func text(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}

extension CheckpointManifest {
  /// Of all tensors.
  var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }
}
