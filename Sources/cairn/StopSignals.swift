import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// SIGINT and SIGTERM while a run is under way: the first asks it to stop, the second ends the process at
/// once, with the exit code that a run has which was asked.
///
/// A class because the handlers of signals share it with the run.
final class StopSignals: Sendable {
  /// 0, or the number of the first signal.
  private let first = Atomic<Int32>(0)

  /// The signal that asked the run to stop.
  var requested: Int32? {
    let signal = first.load(ordering: .acquiring)
    return signal == 0 ? nil : signal
  }

  /// What a program ends with that a signal stopped, as shells count.
  static func exitCode(_ signal: Int32) -> Int32 { 128 + signal }

  /// Begins to take the signals, except those that the process was started to ignore.
  ///
  /// - Parameter onRequest: called at the first signal, on another thread.
  init(onRequest: @escaping @Sendable () -> Void) {
    let queue = DispatchQueue(label: "StopSignals")
    for number in [SIGINT, SIGTERM] where !Self.isIgnored(number) {
      // Otherwise the process would end before the source is told.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        let (isFirst, _) = self.first.compareExchange(
          expected: 0, desired: number, ordering: .acquiringAndReleasing)
        // Nothing is flushed or closed: the last commit stands, the next start clears the rest away.
        guard isFirst, source.data == 1 else { _exit(Self.exitCode(number)) }
        onRequest()
      }
      source.resume()
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    #if canImport(Glibc)
      let handler = action.__sigaction_handler.sa_handler
    #else
      let handler = action.__sigaction_u.__sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == 1  // SIG_IGN
  }
}
