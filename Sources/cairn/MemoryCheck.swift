import Tensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Refuses what cannot fit in memory before it is asked for: a file of a few bytes may claim any size.
enum MemoryCheck {
  /// Throws `error` unless the tensors' bytes are no more than the machine's memory.
  static func require(
    _ tensors: some Sequence<(shape: Shape, dtype: DType)>,
    orThrow error: @autoclosure () -> CommandError
  ) throws {
    let available = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    var total = 0
    for tensor in tensors {
      let (bytes, overflows) = tensor.shape.elementCount
        .multipliedReportingOverflow(by: tensor.dtype.byteCount)
      guard !overflows, bytes <= available - total else { throw error() }
      total += bytes
    }
  }
}
