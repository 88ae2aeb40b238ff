import CHDF5

/// An open HDF5 file.
///
/// Every group and dataset opened through it must be gone when it is closed: open them in a function
/// or a `do` block that ends before, since a constant lives to the end of its scope. Handles are not
/// `Sendable`: a file and what was opened through it are used by one task at a time; different
/// handles may be used by different tasks, whose calls take turns.
///
/// ```swift
/// let file = try HDF5File.open("model.h5")
/// let text = try file.root().attributes.string("model_config")
/// try file.close()
/// ```
public struct HDF5File: ~Copyable {
  /// The path of the file as it was given.
  public let path: String

  let handle: Handle

  /// Where the HDF5 content begins in the file, if it is read through a window.
  private let windowOffset: Int

  var location: HDF5Location {
    HDF5Location(file: path, path: nil, windowOffset: windowOffset)
  }

  init(owning handle: consuming Handle, path: String, windowOffset: Int = 0) {
    self.path = path
    self.windowOffset = windowOffset
    self.handle = handle
  }

  /// The root group, `/`.
  public func root() throws(HDF5Error) -> HDF5Group {
    try HDF5Group(
      opening: "/", from: handle,
      at: HDF5Location(file: path, path: "/", windowOffset: windowOffset))
  }

  /// Closes the file and proves that it is complete: everything was written and nothing stayed open.
  ///
  /// A file that is written must be closed by this call, not left to go out of scope: only here can
  /// a failure be reported, and a file whose close failed must not be used.
  ///
  /// - Throws: `openObjects` if groups or datasets of this file are open, which libhdf5 by itself
  ///   would accept, leaving the file unwritten; `library` if writing fails, as on a full disk.
  ///   Whatever is thrown, the file and the objects opened through it are closed after it: a handle
  ///   that is left over fails when it is used.
  public consuming func close() throws(HDF5Error) {
    let location = location
    let count = try openObjectCount()
    guard count == 0 else {
      throw location.error(
        .openObjects,
        "expected no open object at the close of the file, found \(count): "
          + "the file is incomplete",
        during: "H5Fclose")
    }
    let id = handle.id
    try location.call("H5Fflush") { H5Fflush(id, H5F_SCOPE_GLOBAL) }
    try handle.close(at: location)
  }

  /// The operating system's own handle of the file, valid as long as it is open: for reading, from any
  /// thread, what ``HDF5Dataset/byteOffset`` points to. It is the file that was opened, even if the name
  /// leads to another one by now.
  package func descriptor() throws(HDF5Error) -> Int32 {
    let id = handle.id
    var pointer: UnsafeMutableRawPointer?
    try location.call("H5Fget_vfd_handle") {
      H5Fget_vfd_handle(id, chdf5_p_default(), &pointer)
    }
    guard let pointer else {
      throw location.error(
        .library, "expected a file on disk, found one without a descriptor",
        during: "H5Fget_vfd_handle")
    }
    return pointer.load(as: Int32.self)
  }

  /// The number of groups, datasets, named types and attributes open through this handle.
  package func openObjectCount() throws(HDF5Error) -> Int {
    let id = handle.id
    return Int(
      try location.call("H5Fget_obj_count") { H5Fget_obj_count(id, chdf5_obj_any_local()) })
  }
}

@available(*, unavailable, message: "an open file is used by one task at a time")
extension HDF5File: Sendable {}
