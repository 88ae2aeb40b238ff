import Checkpoints
import Tensors
import Testing

@Suite("Comparison of tensors") struct TensorComparisonTests {
  private func compare(
    _ a: [Double], _ b: [Double], tolerance: Tolerance = .exact
  ) -> TensorComparison {
    var comparison = TensorComparison()
    comparison.add(Tensor(a), Tensor(b), tolerance: tolerance)
    return comparison
  }

  @Test("NaN equals NaN, and 0 equals -0 but is counted")
  func specialValues() {
    let comparison = compare([.nan, 0, .infinity, 1], [-.nan, -0.0, .infinity, 1])
    #expect(comparison.changedCount == 0)
    #expect(comparison.zeroSignCount == 1)
    #expect(comparison.nonFiniteCount == 0)
  }

  @Test("distances are counted over all finite pairs")
  func distances() {
    let comparison = compare([1, 2, 3, 4], [1, 2.5, 3, 2])
    #expect(comparison.changedCount == 2)
    #expect(comparison.maximumDistance == 2)
    #expect(comparison.meanDistance == 0.625)
  }

  @Test("a number that becomes NaN or infinite is changed and has no distance")
  func nonFinite() {
    let comparison = compare([1, 2, 3], [.nan, .infinity, 4], tolerance: Tolerance(absolute: 10))
    #expect(comparison.changedCount == 2)
    #expect(comparison.nonFiniteCount == 2)
    #expect(comparison.maximumDistance == 1)
  }

  @Test("a tolerance is absolute plus relative to the second number")
  func tolerances() {
    #expect(compare([1.5], [1], tolerance: Tolerance(absolute: 0.5)).changedCount == 0)
    #expect(compare([1.5], [1], tolerance: Tolerance(absolute: 0.4)).changedCount == 1)
    #expect(compare([110], [100], tolerance: Tolerance(relative: 0.1)).changedCount == 0)
    #expect(compare([110], [100], tolerance: Tolerance(relative: 0.09)).changedCount == 1)
  }

  @Test("64-bit integers are compared exactly")
  func largeIntegers() {
    var comparison = TensorComparison()
    comparison.add(
      Tensor([Int64.max, .min]), Tensor([Int64.max - 1, .max]), tolerance: .exact)
    #expect(comparison.changedCount == 2)
    #expect(comparison.maximumDistance == 0x1p64)
  }

  @Test("pieces add up to the whole")
  func pieces() {
    var comparison = compare([1, 2], [1, 3])
    comparison.add(Tensor([5.0]), Tensor([8.0]), tolerance: .exact)
    #expect(comparison.elementCount == 3)
    #expect(comparison.changedCount == 2)
    #expect(comparison.maximumDistance == 3)
  }
}
