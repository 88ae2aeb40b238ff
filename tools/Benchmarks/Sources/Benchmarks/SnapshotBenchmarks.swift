import CairnKit
import Dispatch

/// Steps that meet a snapshot of their state.
enum SnapshotBenchmarks {
  /// Every step meets a snapshot of its whole state, as if a save were always in flight.
  static func dense() throws {
    let count = OptimizerBenchmarks.largeCount
    for threads in [1, 2] {
      var training = try Training(sizes: [count], threads: threads)
      var unpooled = try Training(sizes: [count], threads: threads)
      var pooled = try Training(sizes: [count], threads: threads)
      pooled.useWarmBuffers()
      let results = measure(
        [
          Variant(name: "additions") { training.withArrays { $0.step(threads: threads) } },
          Variant(name: "Adagrad step", ceiling: "additions") { training.step() },
          Variant(name: "all shared, fresh memory", ceiling: "Adagrad step") {
            let snapshots = unpooled.snapshots()
            unpooled.step()
            withExtendedLifetime(snapshots) {}
          },
          Variant(name: "all shared, warm buffers", ceiling: "Adagrad step") {
            let snapshots = pooled.snapshots()
            pooled.step()
            withExtendedLifetime(snapshots) {}
          },
        ], repetitions: 15)
      printTable(
        "dense step beside a snapshot, 16M float32, \(threads) thread(s)", results,
        elements: count)
    }
  }

  /// 4,096 random rows of a table of 5M x 64, alone, and beside a snapshot of which nothing was read yet or
  /// everything was.
  static func rows() throws {
    let (rowCount, touched, width) = (5_000_000, 4096, 64)
    for threads in [1, 2] {
      var table = try Table(rowCount: rowCount, width: width, touched: touched, threads: threads)
      var times: [[Double]] = [[], []]
      for _ in 0..<20 {
        for isShared in [false, true] {
          let snapshots = isShared ? table.snapshots() : []
          for _ in 0..<20 { times[isShared ? 1 : 0].append(nanoseconds { table.step() }) }
          withExtendedLifetime(snapshots) {}
        }
      }
      printTable(
        "row-indexed step beside a snapshot, \(rowCount) x \(width), \(touched) rows, "
          + "\(threads) thread(s) (per row)",
        [
          Measurement(name: "alone", ceiling: nil, times: times[0]),
          Measurement(name: "rows that were not read", ceiling: "alone", times: times[1]),
        ], elements: touched)
    }
  }
}

/// The time that `body` takes.
func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
  let (seconds, attoseconds) = try ContinuousClock().measure(body).components
  return Double(seconds) * 1e9 + Double(attoseconds) * 1e-9
}
