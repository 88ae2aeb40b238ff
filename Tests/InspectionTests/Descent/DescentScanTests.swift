import Tensors
import Testing

@testable import Inspection

@Suite("The scan of a variable")
struct DescentScanTests {
  private var rules: ElementRules {
    let precision = UpdateBound.Precision(.float32)!
    var rules = ElementRules(
      updateCount: 5, roundoff: precision.roundoff, underflow: precision.underflow)
    rules.bound = UpdateBound(
      updateCount: 5, squaredRateSum: 0.05, epsilon: 1e-7, precision: precision)
    rules.greatestSquare = 0.5
    return rules
  }

  private struct Planes {
    var weight: (before: [Float], after: [Float])
    var accumulator: (before: [Float], after: [Float])

    var block: DescentScan.Block {
      DescentScan.Block(
        weight: (Tensor(weight.before), Tensor(weight.after)),
        accumulator: (Tensor(accumulator.before), Tensor(accumulator.after)), average: nil)
    }
  }

  private func planes(_ count: Int, _ random: inout SeededGenerator) -> Planes {
    let before = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    let sums = (0..<count).map { _ in Float.random(in: 0.1...1, using: &random) }
    let squares = (0..<count).map { _ in Float.random(in: 0...0.1, using: &random) }
    return Planes(
      weight: (before, zip(before, squares).map { $0 + 0.1 * $1.squareRoot() }),
      accumulator: (sums, zip(sums, squares).map { $0 + $1 }))
  }

  private let oddities: [Float] = [
    .nan, .infinity, -.infinity, 0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
    .greatestFiniteMagnitude,
    1e20, -1, 0.5,
  ]

  @Test("eight at a time find what one at a time finds", arguments: [1, 7, 8, 512, 1500])
  func lanes(count: Int) {
    var random = SeededGenerator(state: UInt64(count))
    for trial in 0..<60 {
      var planes = planes(count, &random)
      for _ in 0..<(trial % 4) {
        let index = Int.random(in: 0..<count, using: &random)
        let value = oddities.randomElement(using: &random)!
        switch Int.random(in: 0..<4, using: &random) {
        case 0: planes.weight.before[index] = value
        case 1: planes.weight.after[index] = value
        case 2: planes.accumulator.before[index] = value
        default: planes.accumulator.after[index] = value
        }
      }
      let piece = DescentScan(rules: rules, rowLength: nil).scan(planes.block, at: 100)
      var expected = DescentPiece()
      for index in 0..<count {
        let element = ElementRules.Element(
          weight: (Double(planes.weight.before[index]), Double(planes.weight.after[index])),
          accumulator: (
            Double(planes.accumulator.before[index]), Double(planes.accumulator.after[index])
          ))
        for finding in rules.findings(element) { expected.add(finding, at: 100 + index, element) }
      }
      for kind in Contradiction.Kind.allCases {
        #expect(piece.findings[kind]?.count == expected.findings[kind]?.count, "\(kind)")
        #expect(piece.findings[kind]?.position == expected.findings[kind]?.position, "\(kind)")
      }
    }
  }

  @Test("a weight that is moved too far is found wherever it is")
  func everywhere() {
    var random = SeededGenerator(state: 9)
    let honest = planes(1040, &random)
    let scan = DescentScan(rules: rules, rowLength: nil)
    #expect(scan.scan(honest.block, at: 0).findings.isEmpty)
    for index in stride(from: 0, to: 1040, by: 13) {
      var moved = honest
      moved.weight.after[index] += 1
      #expect(scan.scan(moved.block, at: 0).findings[.movedTooFar]?.position == index)
    }
  }

  @Test("rows count as touched that changed in any element, across blocks")
  func rows() {
    var planes = Planes(
      weight: (.init(repeating: 1, count: 60), .init(repeating: 1, count: 60)),
      accumulator: (.init(repeating: 1, count: 60), .init(repeating: 1, count: 60)))
    planes.accumulator.after[0] = 2  // row 0
    planes.weight.after[29] = 1.001  // row 4, of 6 elements each
    planes.accumulator.after[30] = 2  // row 5
    let scan = DescentScan(rules: rules, rowLength: 6)
    #expect(scan.scan(planes.block, at: 0).touchedRows == [0..<1, 4..<6])
    func part(_ range: Range<Int>) -> Planes {
      Planes(
        weight: (Array(planes.weight.before[range]), Array(planes.weight.after[range])),
        accumulator: (
          Array(planes.accumulator.before[range]), Array(planes.accumulator.after[range])
        ))
    }
    var sum = scan.scan(part(0..<27).block, at: 0)
    sum.append(scan.scan(part(27..<60).block, at: 27))
    #expect(sum.touchedRowCount == 3)
    #expect(sum.growth == 2)
    #expect(scan.scan(part(0..<0).block, at: 0).touchedRows.isEmpty)
  }
}
