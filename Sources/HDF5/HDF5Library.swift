import CHDF5
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The one gate into libhdf5.
///
/// A libhdf5 built without thread safety must not be entered by two threads at once, whatever the
/// files: the registry of identifiers, the free lists and the error stack are global. Debian's build
/// serialises each call by a lock of its own, but a failing call and the reading of its error stack
/// are two calls, so even there the pair needs one lock around it. The lock is held for one C call
/// and, when that fails, the walk over its error stack. It is not recursive: nothing that runs under
/// it comes back to it. The only Swift code that libhdf5 calls back appends to an array.
enum HDF5Library {
  private static let gate = {
    // At the exit of the process libhdf5 would close what is open, and crash on a file whose close
    // has failed. What must be written has been closed by then.
    H5dont_atexit()
    return Mutex<Void>(())
  }()

  /// Makes one C call and throws if it reports failure, which all calls that return a signed number
  /// do by a negative one.
  static func call<Code: SignedInteger & Sendable>(
    _ operation: StaticString, at location: HDF5Location, _ body: () -> Code
  ) throws(HDF5Error) -> Code {
    try gate.withLock { _ throws(HDF5Error) in
      silence()
      let code = body()
      guard code < 0 else { return code }
      throw failure(of: operation, at: location)
    }
  }

  /// Makes calls that cannot fail, or whose failure nobody can act on (in `deinit`).
  static func query<Value: Sendable>(_ body: () -> Value) -> Value {
    gate.withLock { _ in
      silence()
      return body()
    }
  }

  /// Stops libhdf5 from printing its error stack. The setting is per thread and tasks change
  /// threads, so every call sees to it that its thread has it.
  private static func silence() {
    guard pthread_getspecific(silencedThread) == nil else { return }
    H5Eset_auto2(chdf5_e_default(), nil, nil)
    // Anything but nil: it is never followed.
    pthread_setspecific(silencedThread, UnsafeRawPointer(bitPattern: 1))
  }

  /// The key under which a thread remembers that it is silenced.
  private static let silencedThread = {
    var key = pthread_key_t()
    let code = pthread_key_create(&key, nil)
    precondition(code == 0, "a key for threads could not be made: error \(code)")
    return key
  }()

  private static func failure(of operation: StaticString, at location: HDF5Location) -> HDF5Error {
    let stack = takeErrorStack()
    var message = stack.first?.message ?? "the call failed without a reason"
    // Which directories were searched for a missing filter is no reason.
    let innermost = stack.last { !$0.function.hasPrefix("H5PL") }?.message
    if let innermost, innermost != message { message += ": \(innermost)" }
    return location.error(.library, message, during: "\(operation)", stack: stack)
  }

  /// The error stack of the call just made, from the called function inwards.
  private static func takeErrorStack() -> [HDF5Error.Frame] {
    var frames: [HDF5Error.Frame] = []
    _ = withUnsafeMutablePointer(to: &frames) { frames in
      H5Ewalk2(
        chdf5_e_default(), H5E_WALK_DOWNWARD,
        { _, entry, frames in
          guard let entry = entry?.pointee, let frames else { return 0 }
          frames.assumingMemoryBound(to: [HDF5Error.Frame].self).pointee.append(
            HDF5Error.Frame(
              function: entry.func_name.map { String(cString: $0) } ?? "",
              message: entry.desc.map { String(cString: $0) } ?? ""))
          return 0
        }, frames)
    }
    return frames
  }
}
