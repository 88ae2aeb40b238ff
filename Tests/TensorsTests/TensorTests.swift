import Testing

@testable import Tensors

@Suite("Tensor")
struct TensorTests {
  @Test("a copy keeps its elements when the original is written")
  func copyOnWrite() {
    var tensor = Tensor([Float(1), 2, 3])
    let copy = tensor
    #expect(copy.storageForReading === tensor.storageForReading)
    tensor.withMutableElements(of: Float.self) { $0[1] = 9 }
    #expect(tensor.elements(of: Float.self) == [1, 9, 3])
    #expect(copy.elements(of: Float.self) == [1, 2, 3])
  }

  @Test("a tensor that nobody shares is written in place")
  func inPlace() {
    var tensor = Tensor([Float(1), 2, 3])
    let before = ObjectIdentifier(tensor.storageForReading)
    tensor.withMutableElements(of: Float.self) { $0[0] = 5 }
    #expect(ObjectIdentifier(tensor.storageForReading) == before)
  }

  @Test("storages for an update are one when nobody shares, else a fresh one beside the old")
  func storageForUpdate() {
    var tensor = Tensor([Float(1), 2, 3])
    do {
      let (old, new) = tensor.storageForUpdate()
      #expect(old === new)
    }
    let copy = tensor
    let (old, new) = tensor.storageForUpdate()
    #expect(old !== new)
    #expect(old === copy.storageForReading)
    #expect(new === tensor.storageForReading)
    #expect(new.byteCount == old.byteCount)
    new.bytes.copyBytes(from: [7, 8, 9].flatMap { withUnsafeBytes(of: Float($0)) { Array($0) } })
    #expect(tensor.elements(of: Float.self) == [7, 8, 9])
    #expect(copy.elements(of: Float.self) == [1, 2, 3])
  }

  @Test("the storage for a partial update has the old elements and is nobody else's")
  func storageForPartialUpdate() {
    var tensor = Tensor([Float(1), 2, 3])
    let before = ObjectIdentifier(tensor.storageForReading)
    #expect(ObjectIdentifier(tensor.storageForPartialUpdate()) == before)
    let copy = tensor
    let storage = tensor.storageForPartialUpdate()
    #expect(storage !== copy.storageForReading)
    #expect(tensor.elements(of: Float.self) == [1, 2, 3])
  }

  @Test("bytes begin at multiples of 64")
  func alignment() {
    for count in [0, 1, 3, 1000] {
      let tensor = Tensor(zeros: [count], dtype: .int8)
      tensor.withUnsafeBytes { bytes in
        #expect(Int(bitPattern: bytes.baseAddress) % 64 == 0)
        #expect(bytes.count == count)
      }
    }
  }

  @Test("elements are row-major and keep their order under another shape")
  func reshaping() {
    let tensor = Tensor([Int32(1), 2, 3, 4, 5, 6], shape: [2, 3])
    let other = tensor.reshaped(to: [3, 2])
    #expect(other.shape == [3, 2])
    #expect(other.elements(of: Int32.self) == [1, 2, 3, 4, 5, 6])
    #expect(other.storageForReading === tensor.storageForReading)
  }

  @Test("starts as it is told to")
  func initializers() {
    #expect(Tensor(zeros: [2], dtype: .float64).elements(of: Double.self) == [0, 0])
    #expect(Tensor(zeros: [2], dtype: .bool).elements(of: Bool.self) == [false, false])
    #expect(Tensor(repeating: 0.1, shape: [2]).elements(of: Float.self) == [0.1, 0.1])
    #expect(
      Tensor(repeating: 1.005859375, shape: [1], dtype: .bfloat16).elements(of: BFloat16.self)
        == [BFloat16(bitPattern: 0x3f81)])
    #expect(Tensor(scalar: Float(3)).shape == [])
  }

  @Test("is identical by shape, dtype and bits, NaN equal to NaN, the zeros different")
  func identity() {
    let tensor = Tensor([Float(1), .nan, 0])
    let otherNaN = Float(bitPattern: 0xffc0_0001)
    #expect(tensor.isIdentical(to: Tensor([Float(1), otherNaN, 0])))
    #expect(!tensor.isIdentical(to: Tensor([Float(1), otherNaN, -0.0])))
    #expect(!tensor.isIdentical(to: Tensor([Float(1), 2, 0])))
    #expect(!tensor.isIdentical(to: tensor.reshaped(to: [3, 1])))
    #expect(!Tensor([Float(0)]).isIdentical(to: Tensor([Int32(0)])))
    let half = Tensor([Float.nan]).converted(to: .bfloat16)
    #expect(half.isIdentical(to: Tensor([BFloat16(bitPattern: 0xffff)])))
  }

  @Test("wrong element counts, dtypes and shapes stop the program")
  func traps() async {
    await #expect(processExitsWith: .failure) { _ = Tensor([Float(1)], shape: [2]) }
    await #expect(processExitsWith: .failure) {
      _ = Tensor([Float(1)]).elements(of: Int32.self)
    }
    await #expect(processExitsWith: .failure) { _ = Tensor([Float(1)]).reshaped(to: [2]) }
  }
}
