import CCeilings
import Dispatch
import Foundation
import Optimizers
import Tensors

/// Variables, gradients and an optimizer, ready to step.
struct Training {
  private var variables: [Variable]
  private let gradients: [Gradient]
  private var optimizer: Optimizer

  init(
    sizes: [Int], threads: Int, averages: MovingAverages? = nil,
    clipping: GradientClipping? = nil, weightDecay: Double? = nil
  ) throws {
    variables = Self.variables(shapes: sizes.map { [$0] })
    gradients = sizes.map { .dense(Tensor(repeating: 0.01, shape: [$0])) }
    optimizer = try Optimizer(
      Adagrad(), clipping: clipping, weightDecay: weightDecay, averages: averages,
      threadCount: threads)
    try optimizer.build(for: variables)
    step()
  }

  init(_ variables: [Variable], threads: Int) throws {
    self.variables = variables
    gradients = []
    optimizer = try Optimizer(Adagrad(), threadCount: threads)
    try optimizer.build(for: variables)
  }

  static func variables(shapes: [Shape]) -> [Variable] {
    shapes.enumerated().map { index, shape in
      Variable(
        id: VariableID(layer: ["layer\(index)"], index: 0), name: "layer\(index)/kernel",
        value: Tensor(repeating: 1, shape: shape))
    }
  }

  /// Snapshots of all that a step changes.
  func snapshots() -> [Tensor] { tensors.map { $0.snapshot() } }

  /// Gives the optimizer memory for steps beside snapshots.
  mutating func useWarmBuffers() {
    let buffers = StoragePool()
    buffers.warm(for: tensors)
    optimizer.buffers = buffers
  }

  private var tensors: [Tensor] {
    variables.map(\.value)
      + optimizer.slots.names.flatMap { optimizer.slots[$0] ?? [] }.compactMap { $0 }
  }

  mutating func step() { step(gradients) }

  /// Calls `body` with the arrays of the first variable's step. (It writes into them as no program should:
  /// nothing else holds them.)
  mutating func withArrays(_ body: (Arrays) -> Void) {
    let id = variables[0].id
    guard case .dense(let gradient)? = gradients.first, let accumulator = slot("accumulator", id)
    else { fatalError("the first gradient is not dense") }
    let average = optimizer.averages == nil ? nil : slot("average", id)
    variables[0].value.withMutableElements(of: Float.self) { variable in
      gradient.withElements(of: Float.self) { gradient in
        guard let gradient = gradient.baseAddress, let start = variable.baseAddress else { return }
        body(
          Arrays(
            count: variable.count, gradient: gradient, variable: start, accumulator: accumulator,
            average: average))
      }
    }
  }

  /// The elements of a slot, which stay where they are as long as steps find them unshared.
  private func slot(_ name: String, _ id: VariableID) -> UnsafeMutablePointer<Float>? {
    optimizer.slots[name, id]?.withElements(of: Float.self) {
      UnsafeMutablePointer(mutating: $0.baseAddress)
    }
  }

  /// The bare gather and scatter of the rows of a step, in the table and in its accumulator: the step's
  /// memory without its arithmetic. (It writes into both, as ``withArrays(_:)``.)
  mutating func gatherAndScatter(_ rows: IndexedRows) {
    let accumulator = slot("accumulator", variables[0].id)
    variables[0].value.withMutableElements(of: Float.self) { table in
      rows.values.withElements(of: Float.self) { gradient in
        ceiling_rows(
          rows.indices.count, rows.shape[1], rows.indices, gradient.baseAddress,
          table.baseAddress, accumulator)
      }
    }
  }

  mutating func step(_ gradients: [Gradient]) {
    do {
      try optimizer.applyGradients(gradients, to: &variables)
    } catch {
      fatalError("the optimizer refused: \(error)")
    }
  }
}

/// The arrays of a step, for the ceiling loops: the very memory that the step uses, so that neither finds
/// more of it in the cache than the other.
///
/// Sendable because each thread of a loop gets a part of its own.
struct Arrays: @unchecked Sendable {
  let count: Int
  let gradient: UnsafePointer<Float>
  let variable: UnsafeMutablePointer<Float>
  let accumulator: UnsafeMutablePointer<Float>
  /// Nil without averages.
  let average: UnsafeMutablePointer<Float>?

  func step(threads: Int) {
    parallel(threads) { start, count in
      ceiling_step(count, gradient + start, variable + start, accumulator + start)
    }
  }

  func averagedStep(threads: Int) {
    parallel(threads) { start, count in
      ceiling_averaged_step(
        count, gradient + start, variable + start, accumulator + start, average.map { $0 + start })
    }
  }

  /// The bytes of ``step(threads:)``, one array after the other.
  func plainStep(threads: Int) {
    parallel(threads) { start, count in
      var sum: Float = 0
      plain_sum(count, gradient + start, &sum)
      plain_increment(count, variable + start)
      plain_increment(count, accumulator + start)
    }
  }

  /// The bytes of ``averagedStep(threads:)``, one array after the other.
  func plainAveragedStep(threads: Int) {
    plainStep(threads: threads)
    parallel(threads) { start, count in plain_increment(count, average.map { $0 + start }) }
  }

  /// A pass over the gradients.
  func sum(threads: Int) {
    parallel(threads) { start, count in
      var sum: Float = 0
      plain_sum(count, gradient + start, &sum)
    }
  }

  /// Parts of equal size, one per thread.
  private func parallel(_ threads: Int, _ body: @Sendable (Int, Int) -> Void) {
    if threads == 1 { return body(0, count) }
    let part = (count + threads - 1) / threads
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      let start = thread * part
      body(start, min(part, count - start))
    }
  }
}
