import TestSupport
import Testing

@testable import HDF5

@Suite("Reading a range of elements")
struct ElementRangeTests {
  @Test("boxes cover every range of positions in order, two for each axis at most")
  func boxes() {
    let shape = [4, 3, 5]
    for first in 0..<60 {
      for last in first..<60 {
        let boxes = Hyperslab.covering(first..<last + 1, of: shape)
        let positions = boxes.flatMap { box -> [Int] in
          (0..<box.count[0]).flatMap { i in
            (0..<box.count[1]).flatMap { j in
              (0..<box.count[2]).map { k in
                ((box.start[0] + i) * 3 + box.start[1] + j) * 5 + box.start[2] + k
              }
            }
          }
        }
        #expect(positions == Array(first...last))
        #expect(boxes.count <= 6)
      }
    }
  }

  @Test("a compressed dataset gives what reading it whole gives")
  func compressed() throws {
    let file = try HDF5File.open(Fixture.path("digits.h5"))
    let dataset = try file.root().openDataset("x")
    var whole = [Float](repeating: 0, count: dataset.elementCount)
    try whole.withUnsafeMutableBytes { try dataset.read(into: $0) }
    for range in [0..<1, 0..<64, 63..<65, 100..<7000, 64..<128, 115_000..<115_008, 5..<5] {
      var part = [Float](repeating: -1, count: range.count)
      try part.withUnsafeMutableBytes { try dataset.readElements(range, into: $0) }
      #expect(part == Array(whole[range]))
    }
    var tooMany = [Float](repeating: 0, count: 2)
    let end = dataset.elementCount
    #expect(throws: HDF5Error.self) {
      try tooMany.withUnsafeMutableBytes { try dataset.readElements(end - 1..<end + 1, into: $0) }
    }
  }
}
