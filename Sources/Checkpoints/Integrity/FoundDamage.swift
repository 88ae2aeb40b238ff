import Dispatch

/// The damage that several threads find.
///
/// A class because the threads share it; Sendable because every access holds the lock.
final class FoundDamage: @unchecked Sendable {
  private let lock = DispatchSemaphore(value: 1)
  private var damage: [Int: [TensorDamage]] = [:]
  private var failure: SystemCallError?

  func add(_ found: TensorDamage, to record: Int) {
    lock.wait()
    defer { lock.signal() }
    damage[record, default: []].append(found)
  }

  func fail(_ error: SystemCallError) {
    lock.wait()
    defer { lock.signal() }
    if failure == nil { failure = error }
  }

  /// All of it, by what it was added to.
  var all: [Int: [TensorDamage]] {
    lock.wait()
    defer { lock.signal() }
    return damage
  }

  /// When all threads are done.
  func outcomes(_ count: Int) throws(SystemCallError) -> [VerificationReport.Outcome] {
    if let failure { throw failure }
    return (0..<count).map { .init(damage[$0] ?? []) }
  }
}
