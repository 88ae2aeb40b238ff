import CCeilings
import Foundation
import KerasConfiguration
import Optimizers
import Tensors

/// Counts the allocations of steps in the steady state: there must be none.
enum AllocationBenchmark {
  static func run() throws {
    print("\nallocations in 100 steps after 10")
    let variables = Training.variables(shapes: [[1 << 20], [64], [1000, 64]])
    let dense = variables.map { Gradient.dense(Tensor(repeating: 0.01, shape: $0.value.shape)) }
    var mixed = dense
    mixed[1] = .none
    mixed[2] = .rows(
      IndexedRows(
        indices: [3, 5, 3], values: Tensor(repeating: 0.01, shape: [3, 64]), shape: [1000, 64]))
    let averages = try MovingAverages(overwriteFrequency: 3)
    let rate = LearningRate.schedule(CosineDecay(initialLearningRate: 0.1, decaySteps: 100))
    let cases: [(String, Optimizer, [Gradient])] = [
      ("Keras 2, plain", try Optimizer(Adagrad()), dense),
      ("Keras 2, rows and absent", try Optimizer(Adagrad()), mixed),
      (
        "Keras 2, everything",
        try Optimizer(
          Adagrad(), learningRate: rate, clipping: .globalNorm(1), weightDecay: 0.01,
          averages: averages), mixed
      ),
      ("Keras 3, plain", try Optimizer(Adagrad(), arithmetic: .keras3), mixed),
      (
        "Keras 3, everything",
        try Optimizer(
          Adagrad(), learningRate: rate, arithmetic: .keras3, clipping: .norm(1),
          weightDecay: 0.01, averages: averages, lossScaleFactor: 3,
          gradientAccumulationSteps: 2), dense
      ),
    ]
    var total = 0
    for threads in [1, 2] {
      for (name, optimizer, gradients) in cases {
        let count = try allocations(of: optimizer, variables, gradients, threads)
        total += count
        print("  \(name), \(threads) thread(s): \(count)")
      }
    }
    if total > 0 { exit(1) }
  }

  private static func allocations(
    of optimizer: Optimizer, _ start: [Variable], _ gradients: [Gradient], _ threads: Int
  ) throws -> Int {
    var optimizer = optimizer
    optimizer.threadCount = threads
    // Copies of their own, so that no step meets a snapshot.
    var variables = start
    for index in variables.indices {
      variables[index].value.withUnsafeMutableBytes { _ in }
    }
    for _ in 0..<10 { try optimizer.applyGradients(gradients, to: &variables) }
    let before = allocation_count()
    for _ in 0..<100 { try optimizer.applyGradients(gradients, to: &variables) }
    return allocation_count() - before
  }
}
