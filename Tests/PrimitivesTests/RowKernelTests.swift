import Primitives
import Testing

@Suite("Kernels over rows and columns")
struct RowKernelTests {
  private let matrix: [Float] = [1, 2, 3, 4, 5, 6]

  @Test("a row is added to each row of a matrix")
  func addsRow() {
    var result = matrix
    matrix[..<3].withUnsafeBufferPointer { row in
      result.withUnsafeMutableBufferPointer { addRow(row, to: $0) }
    }
    #expect(result == [2, 4, 6, 5, 7, 9])
  }

  @Test("columns are summed over the rows")
  func sumsColumns() {
    var sums: [Float] = [9, 9, 9]
    matrix.withUnsafeBufferPointer { matrix in
      sums.withUnsafeMutableBufferPointer { sumColumns(matrix, into: $0) }
    }
    #expect(sums == [5, 7, 9])
  }

  @Test("a softmax of huge numbers is finite and sums to one")
  func softmax() {
    let x: [Float] = [1000, 1000, -1000, -1000]
    var y = [Float](repeating: 0, count: 4)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { softmaxRows(x, columns: 2, into: $0) }
    }
    #expect(y == [0.5, 0.5, 0.5, 0.5])
  }

  @Test("the logarithm of a sum of exponentials does not overflow")
  func logSumExp() {
    let x: [Float] = [1000, 1000, 0, -1000]
    var results: [Float] = [0, 0]
    x.withUnsafeBufferPointer { x in
      results.withUnsafeMutableBufferPointer { logSumExpRows(x, columns: 2, into: $0) }
    }
    #expect(results == [1000.69314718056, 0])
  }

  @Test("moments keep their digits beside a large mean, and the variance is the biased one")
  func moments() {
    let x: [Float] = [100_001, 1, 100_002, 2, 100_003, 3]
    var mean: [Float] = [0, 0]
    var variance: [Float] = [0, 0]
    x.withUnsafeBufferPointer { x in
      mean.withUnsafeMutableBufferPointer { mean in
        variance.withUnsafeMutableBufferPointer {
          columnMoments(x, mean: mean, variance: $0)
        }
      }
    }
    #expect(mean == [100_002, 2])
    #expect(variance == [2.0 / 3, 2.0 / 3])
  }

  @Test("an incomplete row traps")
  func incompleteRow() async {
    await #expect(processExitsWith: .failure) {
      let x: [Float] = [1, 2, 3]
      var y: [Float] = [0, 0, 0]
      x.withUnsafeBufferPointer { x in
        y.withUnsafeMutableBufferPointer { softmaxRows(x, columns: 2, into: $0) }
      }
    }
  }
}
