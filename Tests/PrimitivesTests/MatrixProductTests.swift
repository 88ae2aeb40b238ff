import Primitives
import Testing

@Suite("Matrix products")
struct MatrixProductTests {
  @Test(
    "all four transpositions give the product, added to or not",
    arguments: [(false, false), (false, true), (true, false), (true, true)], [false, true])
  func transposes(transposed: (Bool, Bool), accumulate: Bool) {
    let (m, n, k) = (5, 7, 11)
    let a = (0..<m * k).map { Float($0 % 13) - 6 }
    let b = (0..<k * n).map { Float($0 % 7) - 3 }
    var c = [Float](repeating: 100, count: m * n)
    multiply(
      a, b, &c, m: m, n: n, k: k, transposeA: transposed.0, transposeB: transposed.1,
      accumulate: accumulate)
    for row in 0..<m {
      for column in 0..<n {
        var expected: Float = accumulate ? 100 : 0  // whole numbers: exact in any order
        for i in 0..<k {
          expected +=
            (transposed.0 ? a[i * m + row] : a[row * k + i])
            * (transposed.1 ? b[column * k + i] : b[i * n + column])
        }
        #expect(c[row * n + column] == expected)
      }
    }
  }

  @Test("a product over no terms is zero, one without elements does nothing")
  func empty() {
    var c: [Float] = [7, 7]
    multiply([], [], &c, m: 1, n: 2, k: 0)
    #expect(c == [0, 0])
    var none: [Float] = []
    multiply([], [1, 2], &none, m: 0, n: 2, k: 1)
    #expect(none.isEmpty)
  }

  @Test(
    "a large product is the same shared by several threads, along either side",
    arguments: [(200, 120), (120, 200)], [(false, false), (true, false), (false, true)])
  func threads(sides: (Int, Int), transposed: (Bool, Bool)) {
    let (m, n) = sides
    let k = 64
    let a = (0..<m * k).map { Float($0 % 13) - 6 }
    let b = (0..<k * n).map { Float($0 % 7) - 3 }
    var whole = [Float](repeating: 1, count: m * n)
    multiply(
      a, b, &whole, m: m, n: n, k: k, transposeA: transposed.0, transposeB: transposed.1,
      accumulate: true)
    for threadCount in [2, 3, 100] {
      var parts = [Float](repeating: 1, count: m * n)
      multiply(
        a, b, &parts, m: m, n: n, k: k, transposeA: transposed.0, transposeB: transposed.1,
        accumulate: true, threadCount: threadCount)
      #expect(parts == whole)  // whole numbers: exact in any order
    }
  }

  @Test("the bits are the same from run to run, for each thread count", arguments: [1, 2])
  func deterministic(threadCount: Int) {
    let n = 128
    let a = (0..<n * n).map { Float(($0 * 37) % 101) / 101 - 0.4 }
    var first = [Float](repeating: 0, count: n * n)
    multiply(a, a, &first, m: n, n: n, k: n, threadCount: threadCount)
    for _ in 0..<5 {
      var again = [Float](repeating: 0, count: n * n)
      multiply(a, a, &again, m: n, n: n, k: n, threadCount: threadCount)
      #expect(again == first)
    }
  }

  @Test("a buffer of the wrong length traps")
  func wrongLength() async {
    await #expect(processExitsWith: .failure) {
      let a: [Float] = [1, 2]
      var c: [Float] = [0]
      a.withUnsafeBufferPointer { a in
        c.withUnsafeMutableBufferPointer {
          multiplyMatrices(a, a, into: $0, m: 1, n: 1, k: 3)
        }
      }
    }
  }
}

private func multiply(
  _ a: [Float], _ b: [Float], _ c: inout [Float], m: Int, n: Int, k: Int,
  transposeA: Bool = false, transposeB: Bool = false, accumulate: Bool = false,
  threadCount: Int = 1
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer {
        multiplyMatrices(
          a, b, into: $0, m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB,
          accumulate: accumulate, threadCount: threadCount)
      }
    }
  }
}
