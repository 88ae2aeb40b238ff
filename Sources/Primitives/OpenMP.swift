#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// The OpenMP runtime that oneDNN was linked with.
///
/// The environment variable `OMP_NUM_THREADS` is read before `main`, so the only way to choose a
/// thread count in the process is OpenMP's own function, thread by thread. It is looked up by name:
/// Swift cannot import `<omp.h>`, and the runtime's name differs between builds of oneDNN.
enum OpenMP {
  /// Sets how many threads the next parallel regions of the calling thread use. Does nothing in a
  /// process without OpenMP, where oneDNN has its own thread pool or none.
  static func setThreadCount(_ count: Int) {
    function?(CInt(count))
  }

  private typealias SetThreadCount = @convention(c) (CInt) -> Void

  private static let function: SetThreadCount? = {
    guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "omp_set_num_threads") else { return nil }
    return unsafeBitCast(symbol, to: SetThreadCount.self)
  }()
}
