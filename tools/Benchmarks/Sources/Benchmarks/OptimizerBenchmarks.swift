import CCeilings
import Dispatch
import Optimizers
import Tensors

/// Steps of the optimizer.
enum OptimizerBenchmarks {
  static let largeCount = 1 << 24

  /// 16M parameters, one variable: out of every cache.
  static func dense() throws {
    for threads in [1, 2] {
      let arrays = Arrays(count: largeCount)
      var training = try Training(sizes: [largeCount], threads: threads)
      let results = measure(
        [
          Variant(name: "plain bandwidth") { arrays.plainStep(threads: threads) },
          Variant(name: "additions", ceiling: "plain bandwidth") {
            arrays.step(threads: threads)
          },
          Variant(name: "Adagrad step", ceiling: "additions") { training.step() },
        ], repetitions: 41)
      printTable(
        "dense step, 16M float32, \(threads) thread(s)", results, elements: largeCount,
        bytesPerElement: 20)
    }
  }

  /// The same with averages.
  static func averages() throws {
    for threads in [1, 2] {
      let arrays = Arrays(count: largeCount)
      var training = try Training(
        sizes: [largeCount], threads: threads, averages: MovingAverages())
      let results = measure(
        [
          Variant(name: "plain bandwidth") { arrays.plainAveragedStep(threads: threads) },
          Variant(name: "additions", ceiling: "plain bandwidth") {
            arrays.averagedStep(threads: threads)
          },
          Variant(name: "Adagrad step with averages", ceiling: "additions") { training.step() },
        ], repetitions: 41)
      printTable(
        "dense step with averages, 16M float32, \(threads) thread(s)", results,
        elements: largeCount, bytesPerElement: 28)
    }
  }

  /// Every step meets a snapshot of its state, as if a save were always in flight.
  static func snapshot() throws {
    for threads in [1, 2] {
      let arrays = Arrays(count: largeCount)
      var training = try Training(sizes: [largeCount], threads: threads)
      var shared = try Training(sizes: [largeCount], threads: threads)
      let results = measure(
        [
          Variant(name: "additions") { arrays.step(threads: threads) },
          Variant(name: "Adagrad step", ceiling: "additions") { training.step() },
          Variant(name: "Adagrad step, all shared", ceiling: "Adagrad step") {
            let copy = shared
            shared.step()
            withExtendedLifetime(copy) {}
          },
        ], repetitions: 15)
      printTable(
        "dense step beside a snapshot, 16M float32, \(threads) thread(s)", results,
        elements: largeCount)
    }
  }

  /// 64K parameters: bound by the square root and the division.
  static func cache() throws {
    let count = 1 << 16
    let arrays = Arrays(count: count)
    var training = try Training(sizes: [count], threads: 1)
    let results = measure(
      [
        Variant(name: "additions") { arrays.step(threads: 1) },
        Variant(name: "Adagrad step", ceiling: "additions") { training.step() },
      ], repetitions: 2001)
    printTable("dense step in cache, 64K float32, 1 thread", results, elements: count)
  }

  /// The cost of a variable as such.
  static func smallVariables() throws {
    let (variableCount, size) = (1000, 64)
    let arrays = Arrays(count: variableCount * size)
    var training = try Training(
      sizes: Array(repeating: size, count: variableCount), threads: 2)
    let results = measure(
      [
        Variant(name: "additions, one array") { arrays.step(threads: 1) },
        Variant(name: "Adagrad step", ceiling: "additions, one array") { training.step() },
      ], repetitions: 501)
    printTable("1,000 variables of 64 float32 (per variable)", results, elements: variableCount)
  }

  /// 4,096 random rows of 64 in tables of several sizes.
  static func rows() throws {
    let (touched, width) = (4096, 64)
    for rowCount in [10_000, 1_000_000, 5_000_000] {
      let stream = RandomStream(seed: UInt64(rowCount))
      var draws: [[Int]] = []
      for draw in 0..<16 {
        draws.append(
          (0..<touched).map {
            Int(stream.substream(UInt64(draw)).words(at: UInt64($0))[0]) % rowCount
          })
      }
      let arrays = Arrays(count: rowCount * width)
      let table = Training.variables(shapes: [[rowCount, width]])
      for threads in [1, 2] {
        var training = try Training(table, threads: threads)
        var next = 0
        let steps = draws.map { indices in
          Gradient.rows(
            IndexedRows(
              indices: indices, values: Tensor(repeating: 0.01, shape: [touched, width]),
              shape: [rowCount, width]))
        }
        let results = measure(
          [
            Variant(name: "gather and scatter, 1 thread") {
              arrays.rows(draws[(next + 8) % draws.count], width: width)
            },
            Variant(name: "Adagrad step", ceiling: "gather and scatter, 1 thread") {
              training.step([steps[next % steps.count]])
              next += 1
            },
          ], repetitions: 201)
        printTable(
          "row-indexed step, \(touched) rows of \(rowCount) x \(width), \(threads) thread(s)"
            + " (per row)", results, elements: touched)
      }
    }
  }
}
