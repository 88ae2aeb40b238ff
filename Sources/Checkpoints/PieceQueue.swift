import Dispatch
import Tensors

/// Hands out the pieces of some work to several threads, each piece once.
///
/// A class because threads share it; Sendable because everything that changes is locked.
package final class PieceQueue: Sendable {
  private let count: Int
  private let taken = Locked(0)
  private let failure = Locked<CheckpointError?>(nil)

  private init(count: Int) { self.count = count }

  /// The next piece; nil when there is none, or a thread has failed.
  package func next() -> Int? {
    taken.withLock { taken in
      guard taken < count else { return nil }
      defer { taken += 1 }
      return taken
    }
  }

  private func fail(_ error: CheckpointError) {
    failure.withLock { $0 = $0 ?? error }
    taken.withLock { $0 = count }
  }

  /// Calls `body` on several threads, each of which takes pieces until there are none.
  ///
  /// - Parameter threadCount: at most so many; no more than pieces.
  /// - Throws: the first error of `body`.
  package static func perform(
    pieceCount: Int, threadCount: Int,
    _ body: @Sendable (PieceQueue) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let queue = PieceQueue(count: pieceCount)
    DispatchQueue.concurrentPerform(iterations: max(1, min(threadCount, pieceCount))) { _ in
      do throws(CheckpointError) {
        try body(queue)
      } catch {
        queue.fail(error)
      }
    }
    if let error = queue.failure.withLock({ $0 }) { throw error }
  }
}
