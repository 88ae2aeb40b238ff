import KerasConfiguration
import Tensors
import Testing

@testable import Optimizers

@Suite("Steps beside snapshots of tensors")
struct TensorSnapshotTests {
  static let rowCount = 2000
  static let width = 100

  /// A table whose rows straddle the granules in which snapshots keep them.
  private func table() -> [Variable] {
    [
      variable(
        "table", manyValues(Self.rowCount * Self.width, seed: 1),
        shape: [Self.rowCount, Self.width])
    ]
  }

  private func rowGradient(_ step: Int) -> Gradient {
    let stream = RandomStream(seed: UInt64(step))
    let indices = (0..<700).map { Int(stream.words(at: UInt64($0))[0]) % Self.rowCount }
    return rows(
      indices, manyValues(700 * Self.width, seed: UInt64(step)), of: [Self.rowCount, Self.width])
  }

  private func slots(_ optimizer: Optimizer) -> [Tensor] {
    optimizer.slots.names.flatMap { optimizer.slots[$0] ?? [] }.compactMap { $0 }
  }

  static let rules: [any UpdateRule] = [Adagrad(), RMSprop(), SGD()]

  @Test(
    "rows change as if there were none, and it keeps what was there",
    arguments: [Arithmetic.keras2, .keras3], 0..<3)
  func rowsBesideSnapshots(_ arithmetic: Arithmetic, rule: Int) throws {
    for threadCount in [1, 2] {
      var alone = table()
      var variables = table()
      var aloneOptimizer = try Optimizer(
        Self.rules[rule], arithmetic: arithmetic, threadCount: threadCount)
      var optimizer = aloneOptimizer
      optimizer.buffers = StoragePool()
      var kept: [(snapshot: Tensor, elements: [Float])] = []
      for step in 0..<4 {
        try aloneOptimizer.applyGradients([rowGradient(step)], to: &alone)
        if step > 0 {
          for tensor in [variables[0].value] + slots(optimizer) {
            kept.append((tensor.snapshot(), tensor.elements(of: Float.self)))
          }
        }
        try optimizer.applyGradients([rowGradient(step)], to: &variables)
        expectIdentical(variables[0].value, alone[0].value, "step \(step)")
        for (a, b) in zip(slots(optimizer), slots(aloneOptimizer)) { expectIdentical(a, b) }
      }
      for (snapshot, elements) in kept {
        let now = snapshot.elements(of: Float.self)
        #expect(now.map(\.bitPattern) == elements.map(\.bitPattern))
      }
    }
  }

  @Test("a table of which rows are updated does not move")
  func tableStays() throws {
    var variables = table()
    var optimizer = try Optimizer(Adagrad())
    try optimizer.applyGradients([rowGradient(0)], to: &variables)
    let places = ([variables[0].value] + slots(optimizer)).map { $0.storageForReading.base }
    let snapshots = [variables[0].value.snapshot()] + slots(optimizer).map { $0.snapshot() }
    try optimizer.applyGradients([rowGradient(1)], to: &variables)
    #expect(([variables[0].value] + slots(optimizer)).map { $0.storageForReading.base } == places)
    withExtendedLifetime(snapshots) {}
  }

  @Test("what is updated whole moves between two places, whoever reads the others")
  func twoPlaces() throws {
    let count = 10_000
    var variables = [variable("dense", manyValues(count, seed: 1))]
    var optimizer = try Optimizer(Adagrad())
    let buffers = StoragePool()
    optimizer.buffers = buffers
    var places: Set<UnsafeMutableRawPointer> = []
    for step in 0..<6 {
      let snapshot = variables[0].value.snapshot()
      try optimizer.applyGradients(
        [dense(manyValues(count, seed: UInt64(step)))], to: &variables)
      places.insert(variables[0].value.storageForReading.base)
      withExtendedLifetime(snapshot) {}
    }
    #expect(places.count == 2)
    #expect(buffers.idleByteCount == 4 * count)
  }

  @Test(
    "values that go to other memory have the bits of those that stay",
    arguments: [1, 15, 16, 17, 63, 64, 65, 200, 1023, 65_536 + 77], [false, true])
  func streamedBits(count: Int, hasAverages: Bool) throws {
    for threadCount in [1, 2] {
      // The small variable in front moves the borders between the threads' pieces off the cache lines.
      func start() -> [Variable] {
        [
          variable("small", mixedValues(5, seed: 9)),
          variable("large", manyValues(count, seed: 1)),
        ]
      }
      var alone = start()
      var variables = start()
      var aloneOptimizer = try Optimizer(
        Adagrad(), averages: hasAverages ? MovingAverages() : nil, threadCount: threadCount)
      var optimizer = aloneOptimizer
      for step in 0..<3 {
        let gradients = [
          dense(mixedValues(5, seed: 3)), dense(manyValues(count, seed: UInt64(step))),
        ]
        let copy = (variables, optimizer)
        try aloneOptimizer.applyGradients(gradients, to: &alone)
        try optimizer.applyGradients(gradients, to: &variables)
        withExtendedLifetime(copy) {}
        for (a, b) in zip(variables, alone) { expectIdentical(a.value, b.value) }
        for (a, b) in zip(slots(optimizer), slots(aloneOptimizer)) { expectIdentical(a, b) }
      }
    }
  }
}
