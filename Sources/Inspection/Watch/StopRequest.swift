import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// SIGINT or SIGTERM to a program that waits.
///
/// A class because the handlers of signals share it with who waits.
public final class StopRequest: Sendable {
  /// 0, or the number of the first signal.
  private let first = Atomic<Int32>(0)
  /// Can be read from as soon as a signal has come.
  let descriptor: Int32
  private let writingEnd: Int32

  /// Begins to take the signals.
  public init() {
    var ends: [Int32] = [-1, -1]
    precondition(pipe(&ends) == 0, "no pipe: \(String(cString: strerror(errno)))")
    (descriptor, writingEnd) = (ends[0], ends[1])
    let queue = DispatchQueue(label: "StopRequest")
    for number in [SIGINT, SIGTERM] {
      // Otherwise the process would end before the source is told.
      ignore(number)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [self] in
        // The source lives as long as its handler knows it: to the end of the program.
        guard source.data > 0 else { return }
        _ = first.compareExchange(expected: 0, desired: number, ordering: .acquiringAndReleasing)
        var byte: UInt8 = 0
        _ = write(writingEnd, &byte, 1)
      }
      source.resume()
    }
  }

  /// The first signal that has come; nil before.
  var signal: Int32? {
    let number = first.load(ordering: .acquiring)
    return number == 0 ? nil : number
  }
}

private func ignore(_ number: Int32) { _ = signal(number, SIG_IGN) }
