import CHDF5

/// Where an operation takes place, for error messages: a file and the path of an object in it.
struct HDF5Location: Sendable {
  /// The path of the file as it was given.
  let file: String
  /// The absolute path of the object, or nil for the file itself.
  let path: String?
  /// Where the HDF5 content begins in the file; nil if it lies there compressed.
  var windowOffset: Int? = 0

  /// The location of a member of this group.
  func appending(_ name: some StringProtocol) -> HDF5Location {
    guard let path, path != "/" else {
      return HDF5Location(file: file, path: "/\(name)", windowOffset: windowOffset)
    }
    return HDF5Location(file: file, path: "\(path)/\(name)", windowOffset: windowOffset)
  }

  /// The location of an attribute of this object.
  func attribute(_ name: String) -> HDF5Location {
    HDF5Location(file: file, path: "\(path ?? "")@\(name)", windowOffset: windowOffset)
  }

  func error(
    _ kind: HDF5Error.Kind, _ message: String, during operation: String,
    stack: [HDF5Error.Frame] = []
  ) -> HDF5Error {
    HDF5Error(kind, message, during: operation, file: file, object: path, stack: stack)
  }

  /// Makes one C call through the gate; throws if the result is negative.
  @discardableResult
  func call<Code: SignedInteger & Sendable>(
    _ operation: StaticString, _ body: () -> Code
  ) throws(HDF5Error) -> Code {
    try HDF5Library.call(operation, at: self, body)
  }

  /// Makes one C call that returns a new identifier, and takes ownership of it.
  func acquire(
    _ kind: Handle.Kind, _ operation: StaticString, _ body: () -> hid_t
  ) throws(HDF5Error) -> Handle {
    Handle(try HDF5Library.call(operation, at: self, body), kind)
  }

  /// HDF5 takes names as C strings: a name with a NUL inside would silently name something else.
  func checkName(_ name: String, during operation: String) throws(HDF5Error) {
    if name.isEmpty || name.utf8.contains(0) {
      throw error(
        .invalidArgument,
        "expected a name without NUL bytes, found \(name.isEmpty ? "an empty one" : "one inside")",
        during: operation)
    }
  }
}
