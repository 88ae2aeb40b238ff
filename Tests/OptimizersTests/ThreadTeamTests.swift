import Synchronization
import Tensors
import Testing

@testable import Optimizers

@Suite("A team of threads")
struct ThreadTeamTests {
  @Test("does every part of the work once", arguments: [1, 2, 3, 8])
  func parts(_ threadCount: Int) {
    let team = ThreadTeam(threadCount: threadCount)
    for count in [0, 1, 2, 63, 64, 65, 1000] {
      for chunk in [1, 7, 64] {
        let work = Marks(count: count, threadCount: threadCount)
        team.run(work, count: count, chunk: chunk, serialBelow: 2)
        #expect(work.marks.allSatisfy { $0 == 1 }, "\(count) by \(chunk)")
      }
    }
  }

  @Test("never gives two threads the same number at once, work after work")
  func numbers() {
    let team = ThreadTeam(threadCount: 4)
    for _ in 0..<2000 {
      let work = Numbers()
      team.run(work, count: 40, chunk: 1, serialBelow: 2)
      #expect(work.partCount == 40)
      #expect(work.clashCount == 0)
    }
  }

  @Test("ends its threads with its last reference, whether they ever worked or not")
  func ends() async throws {
    for works in [false, true] {
      weak var threads: AnyObject?
      do {
        let team = ThreadTeam(threadCount: 3)
        if works { team.run(Marks(count: 9, threadCount: 3), count: 9, chunk: 1, serialBelow: 2) }
        threads = team.threads
      }
      for _ in 0..<1000 where threads != nil { try await Task.sleep(for: .milliseconds(10)) }
      #expect(threads == nil)
    }
  }

  @Test("serves no two copies of an optimizer, so that they may step at the same time")
  func copies() async throws {
    let count = 3 * UpdatePlan.serialElementCount / 2
    let start = variable("x", manyValues(count, seed: 1))
    let gradient = dense(manyValues(count, seed: 2))
    var optimizer = try Optimizer(Adagrad(), learningRate: 0.1, threadCount: 2)
    var variables = [start]
    try optimizer.applyGradients([gradient], to: &variables)
    let (trained, original) = (variables, optimizer)
    let results = try await withThrowingTaskGroup(of: [Variable].self) { group in
      for _ in 0..<4 {
        group.addTask {
          var (variables, optimizer) = (trained, original)
          for _ in 0..<5 { try optimizer.applyGradients([gradient], to: &variables) }
          return variables
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    for result in results { expectIdentical(result[0].value, results[0][0].value) }
  }
}

/// Counts how often each element was worked on.
///
/// Sendable because threads get ranges that do not overlap.
private final class Marks: SharedWork, @unchecked Sendable {
  private let counts: UnsafeMutableBufferPointer<Int>
  private let threadCount: Int

  init(count: Int, threadCount: Int) {
    counts = .allocate(capacity: count)
    counts.initialize(repeating: 0)
    self.threadCount = threadCount
  }

  deinit { counts.deallocate() }

  var marks: [Int] { Array(counts) }

  func run(_ range: Range<Int>, thread: Int) {
    precondition((0..<threadCount).contains(thread))
    for index in range { counts[index] += 1 }
  }
}

/// Counts how often a thread's number was in use already.
private final class Numbers: SharedWork {
  /// One bit for each number.
  private let used = Atomic<Int>(0)
  private let clashes = Atomic<Int>(0)
  private let parts = Atomic<Int>(0)

  var clashCount: Int { clashes.load(ordering: .acquiring) }
  var partCount: Int { parts.load(ordering: .acquiring) }

  func run(_ range: Range<Int>, thread: Int) {
    let bit = 1 << thread
    let before = used.bitwiseOr(bit, ordering: .acquiringAndReleasing).oldValue
    if before & bit != 0 { clashes.add(1, ordering: .relaxed) }
    parts.add(range.count, ordering: .relaxed)
    used.bitwiseAnd(~bit, ordering: .acquiringAndReleasing)
  }
}
