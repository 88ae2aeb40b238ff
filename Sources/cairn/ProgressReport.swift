import Training

#if canImport(Glibc)
  @preconcurrency import Glibc  // `stdout` is a variable there
#else
  import Darwin
#endif

/// Shows a run to a person: a bar on standard error while it is a terminal, a line per epoch on
/// standard output.
struct ProgressReport {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastDrawn = 0.0

  mutating func show(_ event: TrainingEvent) {
    switch event {
    case .epochBegan, .validationBatchEnded: break
    case .stepEnded(let step): draw(step)
    case .epochEnded(let epoch, let epochCount, let values):
      erase()
      print("epoch \(epoch + 1)/\(epochCount)  \(Self.text(values))")
      // Not all streams: a failure of the history must be seen where it is written.
      fflush(stdout)
    }
  }

  /// Takes the bar away, so that other output starts on a clean line.
  func erase() {
    if isTerminal { printToStandardError("\r\u{1B}[K", terminator: "") }
  }

  private mutating func draw(_ step: TrainingEvent.Step) {
    guard isTerminal else { return }
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    // Ten pictures a second are enough to see it move.
    guard now - lastDrawn > 0.1 else { return }
    lastDrawn = now
    let width = 30
    let filled = width * (step.batch + 1) / step.batchCount
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    printToStandardError(
      "\r\u{1B}[K\(bar) \(step.batch + 1)/\(step.batchCount)  \(Self.text(step.means))",
      terminator: "")
  }

  static func text(_ values: [NamedValue]) -> String {
    values.map { "\($0.name) \(fixed($0.value))" }.joined(separator: "  ")
  }

  /// Four decimals.
  private static func fixed(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
    let scaled = Int64((value.magnitude * 10_000).rounded())
    let digits = String(scaled % 10_000)
    return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / 10_000)."
      + String(repeating: "0", count: 4 - digits.count) + digits
  }
}
