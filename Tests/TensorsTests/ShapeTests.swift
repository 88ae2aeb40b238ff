import Tensors
import Testing

@Suite("Shape")
struct ShapeTests {
  @Test("counts elements: one of a scalar, none where an extent is zero")
  func elementCount() {
    #expect(Shape([]).elementCount == 1)
    #expect(Shape([3, 4]).elementCount == 12)
    #expect(Shape([3, 0, 4]).elementCount == 0)
    #expect(Shape([3, 4]).rank == 2)
  }

  @Test("axes count from either end, and a row is all but the first")
  func axes() {
    let shape: Shape = [2, 3, 4]
    #expect(shape[0] == 2)
    #expect(shape[-1] == 4)
    #expect(shape[-3] == 2)
    #expect(shape.row == [3, 4])
    #expect(Shape([5]).row == [])
  }

  @Test("is refused when an extent is negative or the count overflows")
  func validation() {
    #expect(Shape(validating: [2, -1]) == nil)
    #expect(Shape(validating: [1 << 62, 4]) == nil)
    #expect(Shape(validating: [.max, 1])?.elementCount == .max)
  }

  @Test("a shape made from bad extents stops the program")
  func trap() async {
    await #expect(processExitsWith: .failure) { _ = Shape([-1]) }
  }

  @Test("reads as in Python")
  func description() {
    #expect("\(Shape([]))" == "()")
    #expect("\(Shape([3]))" == "(3,)")
    #expect("\(Shape([3, 4]))" == "(3, 4)")
  }
}

@Suite("DType")
struct DTypeTests {
  @Test("has Keras's names and the widths of its elements")
  func widths() {
    for dtype in DType.allCases {
      #expect(DType(rawValue: dtype.description) == dtype)
      #expect(Tensor(zeros: [3], dtype: dtype).byteCount == 3 * dtype.byteCount)
    }
    #expect(
      DType.allCases.filter(\.isFloatingPoint).map(\.rawValue) == [
        "float16", "bfloat16", "float32", "float64",
      ])
  }
}

@Suite("LayerPath")
struct LayerPathTests {
  @Test("two different paths never read alike")
  func escaping() {
    #expect("\(LayerPath(["a", "b"]))" == "a/b")
    #expect("\(LayerPath(["a/b"]))" == "a\\/b")
    #expect("\(LayerPath(["a\\", "b"]))" == "a\\\\/b")
    #expect("\(LayerPath(["a"]).appending("b"))" == "a/b")
  }
}
