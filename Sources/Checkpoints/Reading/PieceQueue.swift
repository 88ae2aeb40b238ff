import Dispatch
import Tensors

/// Hands out the pieces of some work to several threads, each piece once and in order.
///
/// A class because threads share it; Sendable because everything that changes is locked.
package final class PieceQueue: Sendable {
  private let count: Int
  private let taken = Locked(0)
  private let failure = Locked<(piece: Int, error: CheckpointError)?>(nil)

  private init(count: Int) { self.count = count }

  /// The next piece; nil when there is none, or one has failed.
  package func next() -> Int? {
    taken.withLock { taken in
      guard taken < count else { return nil }
      defer { taken += 1 }
      return taken
    }
  }

  /// Ends the work. Pieces are taken in order, so the first one that fails is among those that do.
  func fail(_ error: CheckpointError, at piece: Int) {
    failure.withLock { failure in
      if failure == nil || piece < failure!.piece { failure = (piece, error) }
    }
    taken.withLock { $0 = count }
  }

  /// Calls `body` on several threads, each of which takes pieces until there are none.
  ///
  /// - Parameter threadCount: at most so many; no more than pieces.
  /// - Throws: the error of the first piece that failed.
  package static func perform(
    pieceCount: Int, threadCount: Int,
    _ body: @Sendable (PieceQueue) throws(CheckpointError) -> Void
  ) throws(CheckpointError) {
    let queue = PieceQueue(count: pieceCount)
    DispatchQueue.concurrentPerform(iterations: max(1, min(threadCount, pieceCount))) { _ in
      do throws(CheckpointError) {
        try body(queue)
      } catch {
        queue.fail(error, at: .max)
      }
    }
    if let failure = queue.failure.withLock({ $0 }) { throw failure.error }
  }
}
