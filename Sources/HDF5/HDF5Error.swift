/// A failed operation on an HDF5 file: what was tried, on which file and object, what was expected
/// and what was found, and why the C library refused.
///
/// `description` is one readable line; `stack` holds everything that libhdf5 said.
public struct HDF5Error: Error, Sendable, CustomStringConvertible {
  /// What sort of failure this is. Every kind but `library` is found by this module's own checks.
  public enum Kind: Hashable, Sendable {
    /// A call into libhdf5 failed; `HDF5Error.stack` says why.
    case library
    /// The operating system does not open the file: it is missing, unreadable or a directory.
    case cannotOpen
    /// A file or an object of that name stands there already.
    case alreadyExists
    /// The file has no HDF5 signature.
    case notHDF5
    /// The file is shorter than its own header says.
    case truncated
    /// Another process, or another handle of this one, holds the file in a way that excludes this.
    case inUse
    /// There is no object or attribute of that name.
    case missing
    /// There is an object of that name, but of another kind (a group where a dataset was asked for).
    case wrongKind
    /// A soft link, external link, external storage or virtual dataset: never followed, since what
    /// it leads to is outside the file or need not be there.
    case refused
    /// The element type does not allow what was asked.
    case typeMismatch
    /// The shape, the range of rows or the size of the buffer does not fit.
    case shapeMismatch
    /// A name, size or text that HDF5 cannot store.
    case invalidArgument
    /// The file claims something impossible, such as more data than it has bytes.
    case damaged
    /// A file was closed while groups or datasets of it were open.
    case openObjects
  }

  /// One entry of libhdf5's error stack.
  public struct Frame: Hashable, Sendable {
    /// The C function that reported.
    public let function: String
    /// What it reported.
    public let message: String
  }

  /// The sort of failure.
  public let kind: Kind
  /// The C call that failed, or that would have been made next.
  public let operation: String
  /// The path of the file as it was given.
  public let file: String
  /// The path of the object inside the file; an attribute is `object@attribute`.
  /// Nil when the file itself is concerned.
  public let object: String?
  /// What went wrong. For `library`: what the call could not do, and the innermost reason.
  public let message: String
  /// libhdf5's error stack from the called function inwards. Empty when the library was not asked.
  public let stack: [Frame]

  /// `file: object: message (operation)`, on one line whatever the names contain.
  public var description: String {
    var parts = [file]
    if let object { parts.append(object) }
    parts.append("\(message) (\(operation))")
    return Self.oneLine(parts.joined(separator: ": "))
  }

  init(
    _ kind: Kind, _ message: String, during operation: String, file: String, object: String?,
    stack: [Frame] = []
  ) {
    self.kind = kind
    self.operation = operation
    self.file = file
    self.object = object
    self.message = message
    self.stack = stack
  }

  /// Names come from files that anybody may have written: control characters are shown escaped.
  private static func oneLine(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator:
        line += scalar.escaped(asASCII: true)
      default:
        line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}
