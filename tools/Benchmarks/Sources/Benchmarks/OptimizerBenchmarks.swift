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
      var training = try Training(sizes: [largeCount], threads: threads)
      let results = measure(
        [
          Variant(name: "plain bandwidth") {
            training.withArrays { $0.plainStep(threads: threads) }
          },
          Variant(name: "additions", ceiling: "plain bandwidth") {
            training.withArrays { $0.step(threads: threads) }
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
      var training = try Training(
        sizes: [largeCount], threads: threads, averages: MovingAverages())
      let results = measure(
        [
          Variant(name: "plain bandwidth") {
            training.withArrays { $0.plainAveragedStep(threads: threads) }
          },
          Variant(name: "additions", ceiling: "plain bandwidth") {
            training.withArrays { $0.averagedStep(threads: threads) }
          },
          Variant(name: "Adagrad step with averages", ceiling: "additions") { training.step() },
        ], repetitions: 41)
      printTable(
        "dense step with averages, 16M float32, \(threads) thread(s)", results,
        elements: largeCount, bytesPerElement: 28)
    }
  }

  /// Decay, averages and clipping together: all that a step can do besides. A norm takes a pass over the
  /// gradients before.
  static func options() throws {
    for threads in [1, 2] {
      let options: [(String, GradientClipping)] = [
        ("clipvalue", .value(0.5)), ("global norm", .globalNorm(1)),
      ]
      for (name, clipping) in options {
        var training = try Training(
          sizes: [largeCount], threads: threads, averages: MovingAverages(), clipping: clipping,
          weightDecay: 0.01)
        let readsTwice = if case .globalNorm = clipping { true } else { false }
        let results = measure(
          [
            Variant(name: "additions") {
              training.withArrays {
                if readsTwice { $0.sum(threads: threads) }
                $0.averagedStep(threads: threads)
              }
            },
            Variant(name: "\(name), decay, averages", ceiling: "additions") { training.step() },
          ], repetitions: 31)
        printTable(
          "dense step with everything, 16M float32, \(threads) thread(s)", results,
          elements: largeCount, bytesPerElement: readsTwice ? 32 : 28)
      }
    }
  }

  /// 64K parameters: bound by the square root and the division.
  static func cache() throws {
    let count = 1 << 16
    var training = try Training(sizes: [count], threads: 1)
    let results = measure(
      [
        Variant(name: "additions") { training.withArrays { $0.step(threads: 1) } },
        Variant(name: "Adagrad step", ceiling: "additions") { training.step() },
      ], repetitions: 2001)
    printTable("dense step in cache, 64K float32, 1 thread", results, elements: count)
  }

  /// The cost of a variable as such.
  static func smallVariables() throws {
    let (variableCount, size) = (1000, 64)
    var one = try Training(sizes: [variableCount * size], threads: 1)
    var training = try Training(
      sizes: Array(repeating: size, count: variableCount), threads: 2)
    let results = measure(
      [
        Variant(name: "additions, one array") { one.withArrays { $0.step(threads: 1) } },
        Variant(name: "Adagrad step", ceiling: "additions, one array") { training.step() },
      ], repetitions: 501)
    printTable("1,000 variables of 64 float32 (per variable)", results, elements: variableCount)
  }

  /// 4,096 random rows of 64, in tables of several sizes at once: 12 GiB with their accumulators.
  static func rows() throws {
    let (touched, width) = (4096, 64)
    for threads in [1, 2] {
      var tables = try [10_000, 5_000_000, 20_000_000].map {
        try Table(rowCount: $0, width: width, touched: touched, threads: threads)
      }
      let results = measure(
        [
          Variant(name: "10,000 rows", ceiling: "5,000,000 rows") { tables[0].step() },
          Variant(name: "5,000,000 rows") { tables[1].step() },
          Variant(name: "20,000,000 rows", ceiling: "5,000,000 rows") { tables[2].step() },
          Variant(name: "20,000,000 rows bare", ceiling: "20,000,000 rows") {
            tables[2].gatherAndScatter()
          },
        ], repetitions: 201)
      printTable(
        "row-indexed step, \(touched) rows x \(width), \(threads) thread(s) (per row)", results,
        elements: touched)
    }
  }
}

/// A table and the row-indexed gradients that are applied to it in turn.
struct Table {
  private var training: Training
  private let steps: [IndexedRows]
  private var next = 0

  init(rowCount: Int, width: Int, touched: Int, threads: Int) throws {
    let stream = RandomStream(seed: UInt64(rowCount))
    steps = (0..<16).map { number in
      IndexedRows(
        indices: (0..<touched).map {
          Int(stream.substream(UInt64(number)).words(at: UInt64($0))[0]) % rowCount
        },
        values: Tensor(repeating: 0.01, shape: [touched, width]), shape: [rowCount, width])
    }
    training = try Training(Training.variables(shapes: [[rowCount, width]]), threads: threads)
  }

  mutating func step() {
    training.step([.rows(steps[next % steps.count])])
    next += 1
  }

  /// Snapshots of all that a step changes.
  func snapshots() -> [Tensor] { training.snapshots() }

  /// The memory of the step after the next.
  mutating func gatherAndScatter() {
    training.gatherAndScatter(steps[(next + 8) % steps.count])
    next += 1
  }
}
