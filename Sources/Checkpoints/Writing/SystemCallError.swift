#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A failed call into the operating system.
public struct SystemCallError: Error, Sendable, CustomStringConvertible {
  /// The call, such as `fsync`.
  public let call: String
  /// The value of `errno`.
  public let code: Int32

  /// The error of the call that has just failed.
  init(_ call: String) {
    self.call = call
    code = errno
  }

  package init(_ call: String, code: Int32) {
    self.call = call
    self.code = code
  }

  public var description: String { "\(String(cString: strerror(code))) (\(call))" }

  var isAlreadyExists: Bool { code == EEXIST }

  /// The disk, or the user's share of it, is full.
  var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }

  /// The file system has no such operation.
  var isUnsupported: Bool { [EPERM, ENOSYS, EOPNOTSUPP, ENOTSUP, EMLINK].contains(code) }

  /// The file system has the operation, but not in the way that was asked for.
  var isUnsupportedOption: Bool { code == EINVAL || isUnsupported }

  /// What the user can do, for the failures that have a usual cure.
  var cure: String? {
    switch code {
    case ENOSPC, EDQUOT: "free some space and save again"
    case EACCES, EPERM: "check the permissions of the folder"
    case EROFS: "choose a folder that can be written"
    case ENOENT: "create the folder first"
    default: nil
    }
  }
}

/// Repeats a call that a signal interrupted; throws when it fails otherwise.
@discardableResult
func retryingInterrupted<Result: SignedInteger>(
  _ name: String, _ call: () -> Result
) throws(SystemCallError) -> Result {
  while true {
    let result = call()
    if result >= 0 { return result }
    if errno != EINTR { throw SystemCallError(name) }
  }
}
