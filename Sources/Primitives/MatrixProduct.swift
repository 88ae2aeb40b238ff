internal import COneDNN
internal import Dispatch

/// `c = op(a) op(b)`, or `c += op(a) op(b)`; row-major float32, by oneDNN's `dnnl_sgemm`.
///
/// The bits are the same from run to run for the same thread count and instruction set.
///
/// - Parameters:
///   - a: shape (m, k); (k, m) when `transposeA`.
///   - b: shape (k, n); (n, k) when `transposeB`.
///   - c: shape (m, n); overlaps neither `a` nor `b`. Uninitialized unless `accumulate`.
///   - accumulate: add to what `c` holds.
///   - threadCount: how many threads may share the work; a small product uses one.
///
/// Traps when a buffer's length is not that of its shape, or `threadCount` is not positive.
public func multiplyMatrices(
  _ a: UnsafeBufferPointer<Float>, _ b: UnsafeBufferPointer<Float>,
  into c: UnsafeMutableBufferPointer<Float>, m: Int, n: Int, k: Int,
  transposeA: Bool = false, transposeB: Bool = false, accumulate: Bool = false,
  threadCount: Int = 1
) {
  precondition(
    a.count == m * k && b.count == k * n && c.count == m * n,
    "buffers of \(a.count), \(b.count) and \(c.count) elements for a product of (\(m), \(k)) and "
      + "(\(k), \(n))")
  precondition(threadCount >= 1, "a product on \(threadCount) threads")
  guard let target = c.baseAddress, !c.isEmpty else { return }
  guard k > 0, let left = a.baseAddress, let right = b.baseAddress else {
    if !accumulate { c.update(repeating: 0) }
    return
  }
  let product = MatrixProduct(
    a: left, b: right, c: target, m: m, n: n, k: k, transposeA: transposeA,
    transposeB: transposeB, accumulate: accumulate)
  // Waking a second thread takes longer than its half of a small product.
  let partCount = m * n * k < 1 << 20 ? 1 : min(threadCount, product.longestSide / 16)
  if partCount <= 1 {
    product.run(rows: 0..<m, columns: 0..<n)
  } else {
    DispatchQueue.concurrentPerform(iterations: partCount) { product.run(part: $0, of: partCount) }
  }
}

/// A product, and how to compute a block of it.
///
/// The threads are ours, each with a block of its own, and oneDNN works on one at a time. OpenMP's own
/// threads spin while they wait for the next product, which the rest of a step, or another process, pays
/// for: on two busy cores a training step took five times as long.
///
/// Sendable: the parts only read `a` and `b`, and write disjoint blocks of `c`.
private struct MatrixProduct: @unchecked Sendable {
  let a: UnsafePointer<Float>
  let b: UnsafePointer<Float>
  let c: UnsafeMutablePointer<Float>
  let m: Int
  let n: Int
  let k: Int
  let transposeA: Bool
  let transposeB: Bool
  let accumulate: Bool

  var longestSide: Int { max(m, n) }

  /// One of `count` parts along the longer side of `c`, cut at multiples of 16.
  func run(part: Int, of count: Int) {
    func boundary(_ index: Int) -> Int {
      index == count ? longestSide : longestSide * index / count / 16 * 16
    }
    let range = boundary(part)..<boundary(part + 1)
    if m >= n {
      run(rows: range, columns: 0..<n)
    } else {
      run(rows: 0..<m, columns: range)
    }
  }

  /// One block of `c`. Traps when oneDNN fails, which it does of sizes that make no sense only.
  func run(rows: Range<Int>, columns: Range<Int>) {
    guard !rows.isEmpty, !columns.isEmpty else { return }
    OpenMP.setThreadCount(1)
    let (strideA, strideB) = (transposeA ? m : k, transposeB ? k : n)
    let status = dnnl_sgemm(
      flag(transposeA), flag(transposeB),
      dnnl_dim_t(rows.count), dnnl_dim_t(columns.count), dnnl_dim_t(k),
      1, a + rows.lowerBound * (transposeA ? 1 : strideA), dnnl_dim_t(strideA),
      b + columns.lowerBound * (transposeB ? strideB : 1), dnnl_dim_t(strideB),
      accumulate ? 1 : 0, c + rows.lowerBound * n + columns.lowerBound, dnnl_dim_t(n))
    precondition(status == dnnl_success, "dnnl_sgemm failed with status \(status.rawValue)")
  }

  private func flag(_ transposed: Bool) -> CChar {
    CChar(UInt8(ascii: transposed ? "T" : "N"))
  }
}
