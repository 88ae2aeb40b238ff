import Tensors
import Testing

@testable import Checkpoints

@Suite("Whether a tensor looks damaged") struct TensorSignsTests {
  private func suspicion(
    _ elements: [Float], isSumOfSquares: Bool = false, mayHaveZeroRows: Bool = false
  ) throws -> String? {
    var signs = TensorSigns()
    signs.update(Tensor(elements), at: 0)
    // As it comes from the other process.
    let copy = try #require(TensorSigns(json: signs.json))
    #expect(copy == signs)
    return copy.suspicion(isSumOfSquares: isSumOfSquares, mayHaveZeroRows: mayHaveZeroRows)
  }

  private let honest = (0..<1024).map { Float($0 % 37 - 18) / 100 + 0.003 }

  @Test("nothing speaks against the numbers of an ordinary tensor")
  func ordinary() throws {
    #expect(try suspicion(honest) == nil)
    #expect(try suspicion(honest.map(\.magnitude), isSumOfSquares: true) == nil)
    #expect(try suspicion([Float](repeating: 0, count: 1024)) == nil, "a bias begins so")
    #expect(try suspicion([]) == nil)
  }

  @Test("NaN, infinities, negative sums of squares and a lonely giant do", arguments: [0, 1, 2, 3])
  func implausible(kind: Int) throws {
    var elements = honest.map(\.magnitude)
    elements[500] = [.nan, -.infinity, -0.1, 3e37][kind]
    let words = ["NaN or infinite", "NaN or infinite", "negative", "among others"][kind]
    #expect(try suspicion(elements, isSumOfSquares: true)?.contains(words) == true)
  }

  @Test("a sector of zeros among numbers does, unless rows of zeros are usual")
  func zeroSector() throws {
    var elements = honest
    for index in 128..<256 { elements[index] = 0 }
    #expect(try suspicion(elements)?.contains("512 bytes in whole sectors") == true)
    #expect(try suspicion(elements, mayHaveZeroRows: true) == nil)
    // A tensor with zeros everywhere has some in a row, too.
    for index in stride(from: 0, to: 1024, by: 4) { elements[index] = 0 }
    #expect(try suspicion(elements) == nil)
  }
}
