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

  @Test("a tolerance in units of the last place counts from number to number, across zero")
  func ulps() {
    func changed(_ a: Float, _ b: Float, _ ulps: Int) -> Bool {
      var comparison = TensorComparison()
      comparison.add(Tensor([a]), Tensor([b]), tolerance: Tolerance(ulps: ulps))
      return comparison.changedCount == 1
    }
    let one: Float = 1
    #expect(changed(one, one.nextUp, 0))
    #expect(!changed(one, one.nextUp, 1))
    #expect(changed(one, one.nextUp.nextUp, 1))
    #expect(!changed(.leastNonzeroMagnitude, -.leastNonzeroMagnitude, 2))
    #expect(changed(.leastNonzeroMagnitude, -.leastNonzeroMagnitude, 1))
    #expect(!changed(-0.0, .leastNonzeroMagnitude, 1))
    #expect(changed(.greatestFiniteMagnitude, .infinity, 100))
    #expect(changed(.nan, 1, .max))
  }

  @Test("many elements at a time say what one at a time says", arguments: [1, 8, 512, 1500])
  func lanes(count: Int) {
    let oddities: [Float] = [
      .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, 3e38, -3e38,
    ]
    for trial in 0..<40 {
      let a = (0..<count).map { Float(($0 * 7919 + trial * 31) % 2003) / 1001 - 1 }
      var b = a.enumerated().map { $0 % 3 == trial % 3 ? $1 * 1.5 : $1 }
      var a2 = a
      if trial % 4 == 1 { a2[trial * 7 % count] = oddities[trial % 8] }
      if trial % 4 == 2 { b[trial * 5 % count] = oddities[trial / 4 % 8] }
      if trial % 4 == 3 { (a2[trial % count], b[trial % count]) = (0, -0.0) }
      let tolerance = Tolerance(absolute: trial % 5 == 0 ? 0.1 : 0)
      var whole = TensorComparison()
      whole.add(Tensor(a2), Tensor(b), tolerance: tolerance)
      var sum = TensorComparison()
      for index in 0..<count {
        var piece = TensorComparison()
        piece.add(Tensor([a2[index]]), Tensor([b[index]]), tolerance: tolerance, at: index)
        sum.append(piece)
      }
      #expect(whole.changedCount == sum.changedCount)
      #expect(whole.nonFiniteCount == sum.nonFiniteCount)
      #expect(whole.zeroSignCount == sum.zeroSignCount)
      #expect(whole.maximumDistance == sum.maximumDistance)
      #expect(whole.maximumPosition == sum.maximumPosition)
      #expect((whole.meanDistance - sum.meanDistance).magnitude <= 1e-12 * sum.meanDistance)
    }
  }
}
