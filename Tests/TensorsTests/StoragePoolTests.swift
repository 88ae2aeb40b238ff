import Testing

@testable import Tensors

@Suite("A pool of storages")
struct StoragePoolTests {
  private static let byteCount = 1 << 20
  private static let shape: Shape = [1 << 18]

  private func overwrite(_ tensor: inout Tensor, from pool: StoragePool) {
    tensor.storageForUpdate(from: pool).new.bytes.initializeMemory(as: UInt8.self, repeating: 1)
  }

  @Test("two pieces of memory serve any number of updates, each beside a snapshot")
  func twoPieces() {
    let pool = StoragePool()
    var tensor = Tensor(zeros: Self.shape)
    var places: Set<UnsafeMutableRawPointer> = [tensor.storageForReading.base]
    for step in 0..<6 {
      let snapshot = step.isMultiple(of: 2) ? tensor.snapshot() : tensor
      overwrite(&tensor, from: pool)
      places.insert(tensor.storageForReading.base)
      #expect(pool.idleByteCount == 0)
      withExtendedLifetime(snapshot) {}
    }
    #expect(places.count == 2)
    #expect(pool.idleByteCount == Self.byteCount)
  }

  @Test("keeps no more than is in use, and nothing when the tensors are gone")
  func keepsNoMore() {
    let pool = StoragePool()
    var tensor: Tensor? = Tensor(zeros: Self.shape)
    var snapshots: [Tensor] = []
    for _ in 0..<3 {
      snapshots.append(tensor!.snapshot())
      overwrite(&tensor!, from: pool)
    }
    #expect(pool.idleByteCount == 0)
    snapshots.removeAll()
    #expect(pool.idleByteCount == Self.byteCount)
    tensor = nil
    #expect(pool.idleByteCount == 0)
  }

  @Test("is warm before the first update, once, and takes what a warmed tensor leaves")
  func warming() {
    let pool = StoragePool()
    var tensor = Tensor(zeros: Self.shape)
    pool.warm(for: [tensor, Tensor(zeros: [3])])
    pool.warm(for: [tensor])
    #expect(pool.idleByteCount == Self.byteCount)
    let snapshot = tensor.snapshot()
    overwrite(&tensor, from: pool)
    #expect(pool.idleByteCount == 0)
    withExtendedLifetime(snapshot) {}
  }

  @Test("keeps no more than its limit")
  func limit() {
    let pool = StoragePool(byteLimit: Self.byteCount * 3 / 2)
    var tensors = [Tensor(zeros: Self.shape), Tensor(zeros: Self.shape)]
    pool.warm(for: tensors)
    #expect(pool.idleByteCount == Self.byteCount)
    let snapshots = tensors.map { $0.snapshot() }
    for index in tensors.indices { overwrite(&tensors[index], from: pool) }
    withExtendedLifetime(snapshots) {}
    #expect(pool.idleByteCount <= Self.byteCount)
  }

  @Test("copies for an update of some elements go to its memory too")
  func partialUpdate() {
    let pool = StoragePool()
    var tensor = Tensor(repeating: 3, shape: Self.shape)
    pool.warm(for: [tensor])
    let copy = tensor
    #expect(tensor.storageForPartialUpdate(from: pool) !== copy.storageForReading)
    #expect(pool.idleByteCount == 0)
    #expect(tensor.isIdentical(to: copy))
  }
}
