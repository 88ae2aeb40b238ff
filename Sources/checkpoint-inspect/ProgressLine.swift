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
/// What is done is what the kernel counted that this process has read and written, so that work is watched
/// without a word from it, and at no cost to it. Where the kernel does not tell (outside Linux) there is no
/// line.
enum ProgressLine {
  /// Nothing is shown of work that is done sooner.
  private static let silentSeconds = 0.5
  private static let intervalSeconds = 0.2

  /// Does some work.
  ///
  /// - Parameters:
  ///   - what: the work in one word, such as `verifying`.
  ///   - byteCount: bytes that it reads and writes; 0 when that is not known.
  static func showing<Value, Failure: Error>(
    _ what: String, byteCount: Int, _ work: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard isatty(STDERR_FILENO) == 1, let start = bytesMoved() else { return try work() }
    let isDone = DispatchSemaphore(value: 0)
    let hasStopped = DispatchSemaphore(value: 0)
    DispatchQueue.global().async {
      watch(what, byteCount: byteCount, from: start, until: isDone)
      hasStopped.signal()
    }
    defer {
      isDone.signal()
      hasStopped.wait()
    }
    return try work()
  }

  /// Bytes of a file, or of those in a folder; 0 for what cannot be read.
  static func byteCount(of path: String) -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else { return 0 }
    guard status.st_mode & S_IFMT == S_IFDIR else { return Int(status.st_size) }
    let weights = "\(path)/model.weights.h5"
    return stat(weights, &status) == 0 ? Int(status.st_size) : 0
  }

  private static func watch(
    _ what: String, byteCount: Int, from start: Int, until isDone: DispatchSemaphore
  ) {
    var estimate = ProgressEstimate(total: byteCount)
    var seconds = 0.0
    var isShown = false
    while isDone.wait(timeout: .now() + intervalSeconds) == .timedOut {
      seconds += intervalSeconds
      guard let moved = bytesMoved() else { continue }
      estimate.update(bytes: moved - start, seconds: seconds)
      guard seconds > silentSeconds else { continue }
      isShown = true
      put("\r\u{1B}[K\(estimate.line(what))")
    }
    if isShown { put("\r\u{1B}[K") }
  }

  private static func put(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  /// The sum of `rchar` and `wchar` of proc(5)'s `io`: all calls that read and write, from memory or disk.
  private static func bytesMoved() -> Int? {
    guard let file = fopen("/proc/self/io", "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = fread(&bytes, 1, bytes.count, file)
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    let counts = text.split(separator: "\n").prefix(2).compactMap { line in
      line.split(separator: " ").last.flatMap { Int($0) }
    }
    return counts.count == 2 ? counts[0] + counts[1] : nil
  }
}

extension CheckpointManifest {
  /// Of all tensors.
  var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }
}
