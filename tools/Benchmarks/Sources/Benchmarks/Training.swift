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

  /// The bare gather and scatter of the rows of a step, in the table and in its accumulator: the step's
  /// memory without its arithmetic. (It writes into both as no program should: nothing else holds them.)
  mutating func gatherAndScatter(_ rows: IndexedRows) {
    let width = rows.shape[1]
    guard let accumulator = optimizer.slots["accumulator", variables[0].id] else { return }
    variables[0].value.withMutableElements(of: Float.self) { table in
      accumulator.withElements(of: Float.self) { accumulator in
        rows.values.withElements(of: Float.self) { gradient in
          ceiling_rows(
            rows.indices.count, width, rows.indices, gradient.baseAddress, table.baseAddress,
            UnsafeMutablePointer(mutating: accumulator.baseAddress))
        }
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

/// Plain arrays for the ceiling loops, aligned, touched and in huge pages like a large tensor's.
///
/// Sendable because each thread of a loop gets a part of its own.
final class Arrays: @unchecked Sendable {
  private let count: Int
  private let planes: [UnsafeMutablePointer<Float>]

  init(count: Int) {
    self.count = count
    planes = (0..<4).map { _ in
      let bytes = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 2 << 20)
      #if os(Linux)
        _ = madvise(bytes, count * 4, MADV_HUGEPAGE)
      #endif
      let plane = bytes.bindMemory(to: Float.self, capacity: count)
      plane.initialize(repeating: 1, count: count)
      return plane
    }
  }

  deinit { for plane in planes { plane.deallocate() } }

  func step(threads: Int) {
    parallel(threads) { start, count in
      ceiling_step(count, self.planes[0] + start, self.planes[1] + start, self.planes[2] + start)
    }
  }

  func averagedStep(threads: Int) {
    parallel(threads) { start, count in
      ceiling_averaged_step(
        count, self.planes[0] + start, self.planes[1] + start, self.planes[2] + start,
        self.planes[3] + start)
    }
  }

  /// The bytes of ``step(threads:)``, one array after the other.
  func plainStep(threads: Int) {
    parallel(threads) { start, count in
      var sum: Float = 0
      plain_sum(count, self.planes[0] + start, &sum)
      plain_increment(count, self.planes[1] + start)
      plain_increment(count, self.planes[2] + start)
    }
  }

  /// The bytes of ``averagedStep(threads:)``, one array after the other.
  func plainAveragedStep(threads: Int) {
    plainStep(threads: threads)
    parallel(threads) { start, count in plain_increment(count, self.planes[3] + start) }
  }

  /// ``averagedStep(threads:)`` after a pass over the gradients, as a norm needs it.
  func clippedStep(threads: Int) {
    parallel(threads) { start, count in
      var sum: Float = 0
      plain_sum(count, self.planes[0] + start, &sum)
    }
    averagedStep(threads: threads)
  }

  /// Parts of equal size, one per thread.
  private func parallel(_ threads: Int, _ body: @Sendable (Int, Int) -> Void) {
    if threads == 1 { return body(0, count) }
    let part = (count + threads - 1) / threads
    DispatchQueue.concurrentPerform(iterations: threads) { thread in
      let start = thread * part
      body(start, min(part, self.count - start))
    }
  }
}
