internal import Dispatch
internal import Synchronization

/// Calls `body` with ranges that make up 0..<count, on at most `threadCount` threads, each of which
/// takes the next `chunk` when it is done with its last, and with the thread's number. One range, on
/// this thread, below `serialBelow`.
func parallel(
  count: Int, chunk: Int, serialBelow: Int, threadCount: Int,
  _ body: @Sendable (_ range: Range<Int>, _ thread: Int) -> Void
) {
  guard count > 0 else { return }
  guard threadCount > 1, count >= serialBelow else { return body(0..<count, 0) }
  let next = Atomic<Int>(0)
  DispatchQueue.concurrentPerform(iterations: threadCount) { thread in
    while true {
      let start = next.add(chunk, ordering: .relaxed).oldValue
      guard start < count else { return }
      body(start..<min(count, start + chunk), thread)
    }
  }
}
