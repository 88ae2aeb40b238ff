internal import COneDNN

/// `c = op(a) op(b)`, or `c += op(a) op(b)`; row-major float32, by oneDNN's `dnnl_sgemm`.
///
/// The bits are the same from run to run for the same thread count and instruction set.
///
/// - Parameters:
///   - a: shape (m, k); (k, m) when `transposeA`.
///   - b: shape (k, n); (n, k) when `transposeB`.
///   - c: shape (m, n); overlaps neither `a` nor `b`. Uninitialized unless `accumulate`.
///   - accumulate: add to what `c` holds.
///   - threadCount: how many OpenMP threads may share the work; a small product uses one.
///
/// Traps when a buffer's length is not that of its shape.
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
  guard let target = c.baseAddress, !c.isEmpty else { return }
  guard k > 0 else {
    if !accumulate { c.update(repeating: 0) }
    return
  }
  // Waking a second thread takes longer than its half of a small product.
  let isSmall = m * n * k < 1 << 20
  OpenMP.setThreadCount(isSmall ? 1 : threadCount)
  let status = dnnl_sgemm(
    transposeA ? transposed : straight, transposeB ? transposed : straight,
    dnnl_dim_t(m), dnnl_dim_t(n), dnnl_dim_t(k),
    1, a.baseAddress, dnnl_dim_t(transposeA ? m : k),
    b.baseAddress, dnnl_dim_t(transposeB ? k : n),
    accumulate ? 1 : 0, target, dnnl_dim_t(n))
  precondition(status == dnnl_success, "dnnl_sgemm failed with status \(status.rawValue)")
}

private let straight = CChar(UInt8(ascii: "N"))
private let transposed = CChar(UInt8(ascii: "T"))
