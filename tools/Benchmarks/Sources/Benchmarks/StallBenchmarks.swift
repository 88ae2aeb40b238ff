import CairnKit
import Foundation

/// What a save in the background costs those who train.
enum StallBenchmarks {
  private static let profile = Profile(dialect: .keras3, layout: .weights)

  static func run() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-benchmark-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try stall(in: folder)
    try besideFrozenTable(in: folder)
  }

  /// 1 GiB: four kernels of 128 MiB and their accumulators. In each round: steps alone; a save's call and
  /// the steps after it, before the writer begins, so that nothing but sharing can slow them; the
  /// synchronous durable save.
  private static func stall(in folder: String) throws {
    let units = [8192, 4096, 8192, 4096]
    let model = try Model.sequential(
      inputShape: [4096], units.map { .dense(.init(units: $0, usesBias: false)) })
    let trainer = Trainer(model: model, loss: LossConfiguration(.meanSquaredError))
    var optimizer = try Optimizer(Adagrad(), threadCount: 1)
    optimizer.buffers = trainer.buffers
    var state = try TrainingState(
      model: model, optimizer: optimizer, seed: 1,
      variables: model.variables.map {
        Variable(id: $0.id, name: $0.name, value: Tensor(repeating: 0.5, shape: $0.shape))
      })
    let gradients = model.variables.map {
      Gradient.dense(Tensor(repeating: 0.01, shape: $0.shape))
    }
    func steps(_ count: Int) throws -> Double {
      var variables: [Variable] = []
      swap(&variables, &state.variables)
      defer { swap(&variables, &state.variables) }
      return try nanoseconds {
        for _ in 0..<count { try state.optimizer.applyGradients(gradients, to: &variables) }
      }
    }
    let accumulators = state.optimizer.slots[Adagrad.accumulatorName]!.compactMap { $0 }
    trainer.buffers?.warm(for: state.variables.map(\.value) + accumulators)
    let stepCount = 4
    _ = try steps(1)
    var calls: [Double] = []
    var added: [Double] = []
    var alone: [Double] = []
    var saves: [Double] = []
    for _ in 0..<7 {
      alone.append(try steps(stepCount))
      var snapshot: Checkpoint?
      calls.append(try nanoseconds { snapshot = try state.checkpoint(trainer).snapshot() })
      added.append(try steps(stepCount) - alone.last!)
      saves.append(
        try nanoseconds {
          try snapshot?.save(to: "\(folder)/stall.h5", profile: profile, replacing: true)
        })
      snapshot = nil
    }
    print("\nstall of a save of 1 GiB, dense state, 1 thread, medians of \(calls.count)")
    line("synchronous durable save", median(saves), "ms", 1e6)
    line("call", median(calls), "us", 1e3)
    line("\(stepCount) steps", median(alone), "ms", 1e6)
    line("added to \(stepCount) steps after the call", median(added), "ms", 1e6)
    let stalls = zip(zip(calls, added), saves).map { ($0.0 + $0.1) / $1 }
    print(String(format: "  stall / save: %.4f (1/%.0f)", median(stalls), 1 / median(stalls)))
  }

  /// Steps of a small network while 1 GiB that does not change is written, and without.
  private static func besideFrozenTable(in folder: String) throws {
    let model = try Model.sequential(
      inputShape: [64],
      [.dense(.init(units: 512, activation: .relu)), .dense(.init(units: 10))])
    let trainer = Trainer(
      model: model, loss: LossConfiguration(.sparseCategoricalCrossentropy, isFromLogits: true))
    var state = try TrainingState(
      model: model, optimizer: try Optimizer(Adagrad(), threadCount: 1), seed: 1)
    let frozenModel = try Model.sequential(
      inputShape: [32768], [.dense(.init(units: 8192, usesBias: false))])
    let frozen = Checkpoint(
      model: frozenModel.configuration,
      variables: frozenModel.variables.map {
        Variable(id: $0.id, name: $0.name, value: Tensor(repeating: 0.5, shape: $0.shape))
      })
    let batch = Batch(
      inputs: Tensor(repeating: 0.5, shape: [128, 64]),
      labels: Tensor((0..<128).map { Int32($0 % 10) }))
    for _ in 0..<500 { try trainer.step(&state, batch: batch) }
    var times: [[Double]] = [[], []]
    let group = DispatchGroup()
    for round in 0..<6 {
      for _ in 0..<2000 {
        times[0].append(try nanoseconds { try trainer.step(&state, batch: batch) })
      }
      let (table, network) = (frozen.snapshot(), try state.checkpoint(trainer).snapshot())
      let isDone = Flag()
      DispatchQueue.global().async(group: group) {
        do {
          for (name, checkpoint) in [("frozen", table), ("network", network)] {
            try checkpoint.save(
              to: "\(folder)/\(name).h5", profile: profile, replacing: true, threadCount: 1)
          }
        } catch { fatalError("round \(round): \(error)") }
        isDone.set()
      }
      while !isDone.isSet {
        times[1].append(try nanoseconds { try trainer.step(&state, batch: batch) })
      }
      group.wait()
      // The disk comes to rest.
      usleep(300_000)
    }
    print("\nsteps of a 64-512-10 network, batches of 128, while 1 GiB is written, 1 + 1 threads")
    for (name, percentile) in [
      ("median", 0.5), ("90th percentile", 0.9), ("99th percentile", 0.99),
    ] {
      let values = times.map { $0.sorted()[Int(Double($0.count) * percentile)] }
      print(
        String(
          format: "  %-16@ alone %8.1f us, beside %8.1f us, ratio %.3f", name as NSString,
          values[0] / 1e3, values[1] / 1e3, values[1] / values[0]))
    }
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private static func line(_ name: String, _ value: Double, _ unit: String, _ scale: Double) {
    print(String(format: "  %@: %.2f %@", name as NSString, value / scale, unit as NSString))
  }
}

/// Sendable because every access holds the lock.
private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  var isSet: Bool { lock.withLock { value } }
  func set() { lock.withLock { value = true } }
}
