import CHDF5
import CHDF5Drivers
import Glibc

// MARK: - Opening and creating

extension HDF5File {
  /// Opens an existing file for reading.
  ///
  /// Takes no lock on the file, so that it works where the file system has none and while a writer
  /// holds one. Cairn's files come into being by a rename and are never half-written.
  ///
  /// - Throws: `cannotOpen`, `notHDF5`, `truncated`, or `library` if the file is damaged.
  public static func open(_ path: String) throws(HDF5Error) -> HDF5File {
    try openExisting(path, chdf5_acc_rdonly, isLocked: false, window: wholeFile(path))
  }

  /// All bytes of a file; nil for what libhdf5's own driver has the better words for.
  private static func wholeFile(_ path: String) -> Range<Int>? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0,
      access(path, R_OK) == 0
    else { return nil }
    return 0..<Int(status.st_size)
  }

  /// Opens HDF5 content that lies inside a larger file, such as an archive, for reading in place.
  ///
  /// - Parameter window: the bytes of the file that are the HDF5 content.
  /// - Throws: as `open`.
  public static func open(
    _ path: String, window: Range<Int>
  ) throws(HDF5Error) -> HDF5File {
    let location = HDF5Location(file: path, path: nil, windowOffset: window.lowerBound)
    try checkPath(path, during: "H5Fopen")
    let access = try accessProperties(isLocked: false, at: location)
    try location.call("H5Pset_driver") {
      chdf5_window_set(access.id, UInt64(window.lowerBound), UInt64(window.count))
    }
    let handle = try location.acquire(.file, "H5Fopen") {
      H5Fopen(path, chdf5_acc_rdonly(), access.id)
    }
    return HDF5File(owning: handle, path: path, windowOffset: window.lowerBound)
  }

  /// Opens an existing file for reading and writing, in place.
  ///
  /// Those who have it open for reading, in this process or another, are not noticed: they take no lock, and
  /// read through another driver, so that libhdf5 does not know that both are one file. What they read
  /// meanwhile may be half of the old and half of the new. Change a copy under another name, and rename it.
  ///
  /// - Parameter isLocked: whether to take a lock, which keeps out others who update the file. A file whose
  ///   name nobody else knows needs none, and some file systems have none.
  /// - Throws: as `open`, and `inUse` if another process has the file open with a lock.
  public static func openForUpdate(
    _ path: String, isLocked: Bool = true
  ) throws(HDF5Error) -> HDF5File {
    // libhdf5 would take an empty file for a new one, and fill it.
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 {
      throw HDF5Location(file: path, path: nil).error(
        .notHDF5, "expected an HDF5 file, found an empty file", during: "H5Fopen")
    }
    return try openExisting(path, chdf5_acc_rdwr, isLocked: isLocked)
  }

  /// Creates a file, in the format of HDF5's first release (superblock 0), which every HDF5 reads
  /// and Keras writes. Equal content gives equal bytes: no time is stored anywhere. Takes no lock: the
  /// file is new, nobody else knows it, and some file systems have none.
  ///
  /// - Parameter userBlockByteCount: bytes left free before the HDF5 content: 0, or a power of two
  ///   from 512 up.
  /// - Throws: `alreadyExists` if there is a file at `path`, which is not touched; `cannotOpen` if
  ///   it cannot be created there; `invalidArgument` for another size of the user block.
  public static func create(
    _ path: String, userBlockByteCount: Int = 0
  ) throws(HDF5Error) -> HDF5File {
    let location = HDF5Location(file: path, path: nil)
    try checkPath(path, during: "H5Fcreate")
    let creation = try creationProperties(
      userBlockByteCount: userBlockByteCount, at: location)
    let access = try accessProperties(isLocked: false, at: location)
    do {
      let handle = try location.acquire(.file, "H5Fcreate") {
        H5Fcreate(path, chdf5_acc_excl(), creation.id, access.id)
      }
      return HDF5File(owning: handle, path: path)
    } catch {
      throw diagnosedCreation(error)
    }
  }

  /// - Parameters:
  ///   - flags: asked for inside the gate, because the macro behind it enters libhdf5.
  ///   - window: what of the file is read through the driver that refuses structures by which libhdf5
  ///     comes to no end; nil for libhdf5's own driver.
  private static func openExisting(
    _ path: String, _ flags: () -> UInt32, isLocked: Bool, window: Range<Int>? = nil
  ) throws(HDF5Error) -> HDF5File {
    let location = HDF5Location(file: path, path: nil)
    try checkPath(path, during: "H5Fopen")
    let access = try accessProperties(isLocked: isLocked, at: location)
    if let window {
      try location.call("H5Pset_driver") {
        chdf5_window_set(access.id, UInt64(window.lowerBound), UInt64(window.count))
      }
    }
    do {
      let handle = try location.acquire(.file, "H5Fopen") { H5Fopen(path, flags(), access.id) }
      return HDF5File(owning: handle, path: path)
    } catch {
      throw diagnosedOpening(error, path: path)
    }
  }

  private static func checkPath(_ path: String, during operation: String) throws(HDF5Error) {
    try HDF5Location(file: path, path: nil).checkName(path, during: operation)
  }

  /// - Throws: `invalidArgument` for another size of the user block than 0 or a power of two from 512 up.
  static func creationProperties(
    userBlockByteCount: Int, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let size = userBlockByteCount
    guard size == 0 || (size >= 512 && size & (size - 1) == 0) else {
      throw location.error(
        .invalidArgument,
        "expected a user block of 0 bytes or a power of two from 512, found \(size)",
        during: "H5Pset_userblock")
    }
    let creation = try location.acquire(.propertyList, "H5Pcreate") {
      H5Pcreate(chdf5_p_file_create())
    }
    try location.call("H5Pset_userblock") { H5Pset_userblock(creation.id, hsize_t(size)) }
    try location.call("H5Pset_obj_track_times") { H5Pset_obj_track_times(creation.id, false) }
    return creation
  }

  static func accessProperties(
    isLocked: Bool, at location: HDF5Location
  ) throws(HDF5Error) -> Handle {
    let properties = try location.acquire(.propertyList, "H5Pcreate") {
      H5Pcreate(chdf5_p_file_access())
    }
    // The default lets H5Fclose succeed, and write nothing, while an object is open.
    try location.call("H5Pset_fclose_degree") {
      H5Pset_fclose_degree(properties.id, H5F_CLOSE_SEMI)
    }
    // Without this, small writes wait in a buffer until the dataset is closed, where their failure
    // would be lost.
    try location.call("H5Pset_sieve_buf_size") { H5Pset_sieve_buf_size(properties.id, 0) }
    // The second flag passes over file systems that have no locks (ENOSYS).
    try location.call("H5Pset_file_locking") { H5Pset_file_locking(properties.id, isLocked, true) }
    return properties
  }
}

// MARK: - Why a file does not open

extension HDF5File {
  /// Turns a failed `H5Fcreate` into the reason that a caller can act on.
  private static func diagnosedCreation(_ error: HDF5Error) -> HDF5Error {
    switch systemError(in: error) {
    case EEXIST: because(error, .alreadyExists, "expected no file of that name, found one")
    case let number?: because(error, .cannotOpen, String(cString: strerror(number)))
    case nil: exclusion(error) ?? error
    }
  }

  /// Turns a failed `H5Fopen` into the reason that a caller can act on.
  private static func diagnosedOpening(_ error: HDF5Error, path: String) -> HDF5Error {
    if let number = systemError(in: error) {
      return because(error, .cannotOpen, String(cString: strerror(number)))
    }
    if let excluded = exclusion(error) { return excluded }
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return error }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return error }
    if status.st_mode & S_IFMT == S_IFDIR {
      return because(error, .cannotOpen, "expected a file, found a directory")
    }
    let size = Int(status.st_size)
    guard let start = signatureOffset(descriptor, fileByteCount: size) else {
      return because(
        error, .notHDF5,
        "expected an HDF5 file, found \(size == 0 ? "an empty file" : "no HDF5 signature")")
    }
    if let expected = promisedByteCount(error) {
      return because(
        error, .truncated, "the file is cut short: expected \(expected) bytes, found \(size)")
    }
    // The header alone, with the first entry of the root group, takes 96 bytes.
    if size < start + 96 {
      return because(
        error, .truncated,
        "the file is cut short: expected a header of 96 bytes, found \(size - start)")
    }
    return error
  }

  /// The signature stands at byte 0, or behind a user block at 512, 1024, 2048 and so on.
  private static func signatureOffset(_ descriptor: Int32, fileByteCount: Int) -> Int? {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    var found = [UInt8](repeating: 0, count: signature.count)
    var offset = 0
    while offset <= fileByteCount - signature.count {
      if pread(descriptor, &found, found.count, offset) == found.count, found == signature {
        return offset
      }
      offset = offset == 0 ? 512 : offset * 2
    }
    return nil
  }

  /// The end of the file according to its own header, from libhdf5's message
  /// "truncated file: eof = 5, sblock->base_addr = 0, stored_eof = 2048".
  private static func promisedByteCount(_ error: HDF5Error) -> Int? {
    for frame in error.stack where frame.message.hasPrefix("truncated file") {
      guard let end = frame.message.split(separator: " ").last else { continue }
      return Int(end)
    }
    return nil
  }

  /// Another handle excludes this one: a lock of another process, or, in this process, a handle
  /// that has the file open in another way.
  private static func exclusion(_ error: HDF5Error) -> HDF5Error? {
    let signs = ["unable to lock file", "already open", "already opened"]
    let frame = error.stack.first { frame in signs.contains { frame.message.contains($0) } }
    return frame.map { because(error, .inUse, "the file is open elsewhere: \($0.message)") }
  }

  /// The `errno` of the system call that libhdf5 reports in a message such as
  /// "unable to open file: name = 'x', errno = 2, error message = ...", also when it creates one.
  private static func systemError(in error: HDF5Error) -> Int32? {
    for frame in error.stack where frame.message.hasPrefix("unable to open file: name") {
      // The name of the file comes before and may hold anything.
      guard let number = frame.message.split(separator: "errno = ").dropFirst().last else {
        continue
      }
      return Int32(number.prefix { $0.isNumber })
    }
    return nil
  }

  private static func because(
    _ error: HDF5Error, _ kind: HDF5Error.Kind, _ message: String
  ) -> HDF5Error {
    HDF5Error(
      kind, message, during: error.operation, file: error.file, object: nil, stack: error.stack)
  }
}
