import Dispatch
import Testing

@testable import Tensors

/// Snapshots that do not make their original a shared one.
@Suite("A snapshot of a tensor")
struct TensorSnapshotTests {
  /// Rows of 100 float32: no multiple of a granule, so that rows straddle granules and regions.
  private static let shape: Shape = [3000, 100]
  private static let rowByteCount = 400

  private func table() -> Tensor {
    Tensor((0..<Self.shape.elementCount).map { Float($0) }, shape: Self.shape)
  }

  /// Sets rows to `value` as an optimizer does.
  private func update(_ tensor: inout Tensor, rows: [Int], to value: Float) {
    let (storage, snapshots) = tensor.storageForRowUpdate()
    rows.withUnsafeBufferPointer { rows in
      for snapshot in snapshots { snapshot.preserve(rows: rows, byteCount: Self.rowByteCount) }
    }
    for row in rows {
      (storage.base + row * Self.rowByteCount).bindMemory(to: Float.self, capacity: 100)
        .update(repeating: value, count: 100)
    }
  }

  /// What a writer sees that reads pieces of `byteCount` bytes, giving up each.
  private func read(_ snapshot: Tensor, by byteCount: Int) -> [Float] {
    var result = [Float](repeating: .nan, count: snapshot.elementCount)
    let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    defer { scratch.deallocate() }
    result.withUnsafeMutableBytes { result in
      for start in stride(from: 0, to: snapshot.byteCount, by: byteCount) {
        let range = start..<min(start + byteCount, snapshot.byteCount)
        snapshot.withBytes(in: range, scratch: scratch) { bytes in
          UnsafeMutableRawBufferPointer(rebasing: result[range]).copyMemory(from: bytes)
        }
        snapshot.discardBytes(in: range)
      }
    }
    return result
  }

  @Test(
    "keeps its elements while rows of the original change in place", arguments: [1000, 4 << 20])
  func keepsElements(pieceByteCount: Int) {
    var tensor = table()
    let before = tensor.elements(of: Float.self)
    let place = tensor.storageForReading.base
    let snapshot = tensor.snapshot()
    update(&tensor, rows: [0, 1, 17, 163, 164, 2999], to: -1)
    update(&tensor, rows: [1, 2, 655], to: -2)
    #expect(tensor.storageForReading.base == place)
    #expect(read(snapshot, by: pieceByteCount) == before)
    let after = tensor.elements(of: Float.self)
    #expect(after[100] == -2 && after[1700] == -1 && after[300] == before[300])
  }

  @Test(
    "is a tensor: its elements can be read whole, and again, and changed without the original's")
  func isTensor() {
    var tensor = table()
    let original = table()
    var snapshot = tensor.snapshot()
    update(&tensor, rows: [5], to: 0)
    #expect(snapshot.isIdentical(to: original))
    #expect(snapshot.elements(of: Float.self) == original.elements(of: Float.self))
    snapshot.withMutableElements(of: Float.self) { $0[0] = 7 }
    #expect(snapshot.elements(of: Float.self)[0] == 7)
    #expect(tensor.elements(of: Float.self)[0] == 0)
    #expect(original.snapshot().snapshot().isIdentical(to: original))
  }

  @Test("keeps its elements whatever is done to the original", arguments: 0..<3)
  func otherChanges(kind: Int) {
    var tensor = table()
    let before = tensor.elements(of: Float.self)
    let snapshot = tensor.snapshot()
    update(&tensor, rows: [3], to: -1)
    switch kind {
    case 0: tensor.withMutableElements(of: Float.self) { $0.update(repeating: 0) }
    case 1: tensor.storageForUpdate().new.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    default: tensor = Tensor(zeros: [1])
    }
    #expect(read(snapshot, by: 1 << 16) == before)
  }

  @Test("does not make its original write elsewhere any more, once it is dropped")
  func dropped() {
    var tensor = table()
    let place = tensor.storageForReading.base
    var snapshot: Tensor? = tensor.snapshot()
    #expect(tensor.storageForRowUpdate().snapshots.count == 1)
    withExtendedLifetime(snapshot) {}
    snapshot = nil
    #expect(tensor.storageForRowUpdate().snapshots.isEmpty)
    #expect(tensor.storageForUpdate().new.base == place)
  }

  @Test("each of several keeps the elements of its own moment")
  func several() {
    var tensor = table()
    var moments: [(snapshot: Tensor, elements: [Float])] = []
    for step in 0..<4 {
      moments.append((tensor.snapshot(), tensor.elements(of: Float.self)))
      update(&tensor, rows: [step, 10, 2000 + step], to: Float(-step))
    }
    for moment in moments { #expect(read(moment.snapshot, by: 12345) == moment.elements) }
  }

  @Test("is read in place once its original has moved on")
  func readInPlace() {
    var tensor = table()
    let place = UnsafeRawPointer(tensor.storageForReading.base)
    let snapshot = tensor.snapshot()
    #expect(snapshot.isCopiedWhenRead)
    tensor.storageForUpdate().new.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    #expect(!snapshot.isCopiedWhenRead)
    snapshot.withBytes(in: 400..<800, scratch: .init(start: nil, count: 0)) {
      #expect($0.baseAddress == place + 400 && $0.count == 400)
    }
  }

  @Test("holds no more of the rows that it has given up")
  func discarding() {
    var tensor = table()
    let snapshot = tensor.snapshot()
    update(&tensor, rows: Array(0..<3000), to: 1)
    #expect(snapshot.storageForReading.keptByteCount == tensor.byteCount.roundedUp(to: 256))
    snapshot.discardBytes(in: 0..<(128 << 10))
    snapshot.discardBytes(in: (128 << 10)..<(128 << 10) + 5)
    #expect(
      snapshot.storageForReading.keptByteCount
        == (tensor.byteCount - (128 << 10)).roundedUp(to: 256))
    update(&tensor, rows: Array(0..<300), to: 2)
    #expect(
      snapshot.storageForReading.keptByteCount
        == (tensor.byteCount - (128 << 10)).roundedUp(to: 256))
    withExtendedLifetime(snapshot) {}
  }

  @Test("traps when bytes are read that were given up")
  func readingDiscarded() async {
    await #expect(processExitsWith: .failure) {
      let tensor = Tensor(zeros: [1 << 16])
      let snapshot = tensor.snapshot()
      snapshot.discardBytes(in: 0..<(64 << 10))
      _ = snapshot.elements(of: Float.self)
    }
  }

  @Test("is whole although two threads change rows while two others read it")
  func threads() {
    for round in 0..<4 {
      var tensor = table()
      let before = tensor.elements(of: Float.self)
      let snapshot = tensor.snapshot()
      let (storage, snapshots) = tensor.storageForRowUpdate()
      let target = Bytes(byteCount: tensor.byteCount)
      DispatchQueue.concurrentPerform(iterations: 4) { thread in
        if thread.isMultiple(of: 2) {
          let stream = RandomStream(seed: UInt64(round * 4 + thread))
          for index in 0..<2000 {
            let word = Int(stream.words(at: UInt64(index))[0])
            // Rows of its own, as in a step.
            let row = word % 1500 * 2 + thread / 2
            withUnsafePointer(to: row) {
              for snapshot in snapshots {
                snapshot.preserve(
                  rows: .init(start: $0, count: 1), byteCount: Self.rowByteCount)
              }
            }
            (storage.base + row * Self.rowByteCount).bindMemory(to: Float.self, capacity: 100)
              .update(repeating: Float(index), count: 100)
          }
        } else {
          let piece = 30_000
          let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
          defer { scratch.deallocate() }
          for start in stride(
            from: thread / 2 * piece, to: snapshot.byteCount, by: 2 * piece)
          {
            let range = start..<min(start + piece, snapshot.byteCount)
            snapshot.withBytes(in: range, scratch: scratch) {
              (target.base + start).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
            }
            snapshot.discardBytes(in: range)
          }
        }
      }
      #expect(target.floats == before)
    }
  }
}

/// Room for bytes. Sendable because the threads write different ones.
private final class Bytes: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: byteCount, alignment: 64)
  }

  deinit { base.deallocate() }

  var floats: [Float] {
    Array(UnsafeRawBufferPointer(start: base, count: byteCount).bindMemory(to: Float.self))
  }
}

extension Int {
  fileprivate func roundedUp(to multiple: Int) -> Int {
    (self + multiple - 1) / multiple * multiple
  }
}
