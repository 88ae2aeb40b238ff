import Checkpoints
import KerasConfiguration
import Tensors
import Testing

@testable import Inspection

@Suite("Optimizer health")
struct OptimizerHealthTests {
  private func counts(
    _ tensor: Tensor, start: Double, step: Int
  ) -> FrozenCounts {
    let width = tensor.shape.rank > 1 ? tensor.shape.row.elementCount : tensor.elementCount
    let scalar = Tensor(repeating: start, shape: [], dtype: tensor.dtype)
    var counts = FrozenCounts()
    tensor.withUnsafeBytes { bytes in
      // In parts that do not end with rows.
      for position in stride(from: 0, to: bytes.count, by: step) {
        let end = min(position + step, bytes.count)
        counts.add(
          .init(rebasing: bytes[position..<end]), from: position, scalar, rowWidth: width)
      }
    }
    return counts
  }

  @Test(
    "finds elements that never moved, and rows of them, however they are read",
    arguments: [DType.float16, .bfloat16, .float32, .float64], [8, 24, 40, 1 << 20])
  func frozen(dtype: DType, step: Int) {
    var elements = [Double](repeating: 0.1, count: 7 * 5)
    for index in [0, 6, 7, 20] { elements[index] = 0.25 }
    let tensor = Tensor(elements, shape: [7, 5]).converted(to: dtype)
    let counts = counts(tensor, start: 0.1, step: step)
    #expect(counts.elementCount == 31)
    // Rows 0, 1 and 4 have moved.
    #expect(counts.rowCount == 4)
  }

  @Test("computes the effective rate with epsilon inside the root, as Keras does")
  func formula() throws {
    let entry = #"{"class_name": "Adagrad", "config": {"epsilon": 0.5}}"#
    let options = try #require(
      AdagradOptions(OptimizerEntry(json: JSONValue(parsing: entry), dialect: .keras3)))
    #expect(options.startValue == 0.1)
    #expect(options.effectiveRate(3, 1.75) == 2)
    let adam = #"{"class_name": "Adam", "config": {}}"#
    #expect(
      AdagradOptions(try OptimizerEntry(json: JSONValue(parsing: adam), dialect: .keras3)) == nil)
  }
}
