import Tensors

/// The damage that several threads find.
///
/// A class because the threads share it.
final class FoundDamage: Sendable {
  private struct State {
    var damage: [Int: [TensorDamage]] = [:]
    var failure: SystemCallError?
  }

  private let state = Locked(State())

  func add(_ found: TensorDamage, to record: Int) {
    state.withLock { $0.damage[record, default: []].append(found) }
  }

  func fail(_ error: SystemCallError) {
    state.withLock { if $0.failure == nil { $0.failure = error } }
  }

  /// All of it, by what it was added to.
  var all: [Int: [TensorDamage]] { state.withLock { $0.damage } }

  /// When all threads are done.
  func outcomes(_ count: Int) throws(SystemCallError) -> [VerificationReport.Outcome] {
    let (damage, failure) = state.withLock { ($0.damage, $0.failure) }
    if let failure { throw failure }
    return (0..<count).map { .init(damage[$0] ?? []) }
  }
}
