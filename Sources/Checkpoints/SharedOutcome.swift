import Tensors

/// What threads share that do a list of transfers: who does which, what failed, and a checksum of each.
///
/// A class because the threads share it.
final class SharedOutcome: Sendable {
  private struct State {
    var next = 0
    var code: Int32 = 0
    var sums: [UInt32]
  }

  private let state: Locked<State>

  init(count: Int) { state = Locked(State(sums: [UInt32](repeating: 0, count: count))) }

  /// The next transfer that nobody does yet; nil when all are taken, or one has failed.
  func nextIndex() -> Int? {
    state.withLock { state in
      guard state.code == 0, state.next < state.sums.count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }

  func record(failure: Int32) { state.withLock { if $0.code == 0 { $0.code = failure } } }
  func record(checksum: UInt32, of index: Int) { state.withLock { $0.sums[index] = checksum } }

  /// The first failure's `errno`, or 0.
  var failure: Int32 { state.withLock { $0.code } }
  var checksums: [UInt32] { state.withLock { $0.sums } }
}
