internal import Dispatch
internal import Synchronization

/// Work that several threads do at once, each with ranges of its own.
protocol SharedWork: Sendable {
  /// Does the part at `range`. `thread` is another number, below the team's thread count, for each of
  /// the threads that are at work at the same time.
  func run(_ range: Range<Int>, thread: Int)
}

/// The threads of one optimizer. They sleep between its steps, and end with the last reference to the team.
///
/// A class because it owns threads. It does one work at a time: whoever calls ``run(_:count:chunk:serialBelow:)``
/// must be alone with it. Unlike `DispatchQueue.concurrentPerform`, it allocates nothing once its threads run.
final class ThreadTeam: Sendable {
  /// With the thread that calls.
  let threadCount: Int
  private let helpers = Helpers()
  private let isStarted = Atomic<Bool>(false)

  /// The threads start with the first work that is worth it.
  init(threadCount: Int) { self.threadCount = threadCount }

  deinit {
    guard isStarted.load(ordering: .relaxed) else { return }
    helpers.end(count: threadCount - 1)
  }

  /// Calls `work` with ranges that make up 0..<count, on this thread and on the team's, each of which
  /// takes the next `chunk` when it is done with its last. One range, on this thread, below `serialBelow`.
  func run(_ work: some SharedWork, count: Int, chunk: Int, serialBelow: Int) {
    guard count > 0 else { return }
    guard threadCount > 1, count >= serialBelow else { return work.run(0..<count, thread: 0) }
    if !isStarted.exchange(true, ordering: .relaxed) { start() }
    let chunks = Chunks(work: work, count: count, chunk: chunk)
    withUnsafePointer(to: chunks) { chunks in
      helpers.help(ChunksPointer(pointer: chunks), count: threadCount - 1)
    }
  }

  /// What the threads hold on to as long as they run.
  var threads: AnyObject { helpers }

  private func start() {
    for number in 1..<threadCount {
      let helpers = helpers
      DispatchQueue(label: "optimizer-\(number)").async { helpers.serve() }
    }
  }
}

// MARK: - What threads are at

/// Work and how much of it is taken.
private struct Chunks<Work: SharedWork>: ~Copyable {
  let work: Work
  let count: Int
  let chunk: Int
  private let next = Atomic<Int>(0)

  init(work: Work, count: Int, chunk: Int) {
    self.work = work
    self.count = count
    self.chunk = chunk
  }

  borrowing func run(thread: Int) {
    while true {
      let start = next.add(chunk, ordering: .relaxed).oldValue
      guard start < count else { return }
      work.run(start..<min(count, start + chunk), thread: thread)
    }
  }
}

/// ``Chunks`` of some work on the stack of the thread that called, in a word: an existential of it takes no
/// memory of its own.
private protocol Runnable {
  func run(thread: Int)
}

private struct ChunksPointer<Work: SharedWork>: Runnable {
  let pointer: UnsafePointer<Chunks<Work>>

  func run(thread: Int) { pointer.pointee.run(thread: thread) }
}

// MARK: - Threads

/// What the threads of a team share with it.
///
/// Sendable because `work` is written by the team's caller alone, while there is no place to take, and
/// read only by threads that took one, for which the caller waits.
private final class Helpers: @unchecked Sendable {
  private var work: (any Runnable)?
  /// Places at the work that no thread has taken yet; negative when the threads must end.
  private let places = Atomic<Int>(0)
  private let wake = DispatchSemaphore(value: 0)
  private let isLeft = DispatchSemaphore(value: 0)

  /// Does the work here, and on at most `count` threads if they wake before it is done.
  func help(_ work: any Runnable, count: Int) {
    self.work = work
    places.store(count, ordering: .releasing)
    for _ in 0..<count { wake.signal() }
    work.run(thread: 0)
    // A thread that is late finds no place, and sleeps on.
    let taken = count - places.exchange(0, ordering: .acquiringAndReleasing)
    for _ in 0..<taken { isLeft.wait() }
    self.work = nil
  }

  func end(count: Int) {
    places.store(-1, ordering: .releasing)
    for _ in 0..<count { wake.signal() }
  }

  /// The life of one thread.
  func serve() {
    while true {
      wake.wait()
      var place = places.load(ordering: .relaxed)
      while place > 0 {
        let (isTaken, found) = places.weakCompareExchange(
          expected: place, desired: place - 1, ordering: .acquiringAndReleasing)
        if isTaken { break }
        place = found
      }
      if place < 0 { return }
      guard place > 0 else { continue }
      work?.run(thread: place)
      isLeft.signal()
    }
  }
}
