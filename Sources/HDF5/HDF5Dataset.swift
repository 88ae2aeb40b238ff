import CHDF5

/// An open dataset: an array of elements of one type, with attributes.
public struct HDF5Dataset: ~Copyable {
  /// The attributes of the dataset.
  public let attributes: HDF5Attributes
  /// The type of an element.
  public let elementType: HDF5ElementType
  /// The order of the bytes of a stored number; little-endian where it does not matter.
  public let byteOrder: HDF5ByteOrder
  /// The sizes of the axes, slowest first; `[]` is a scalar. A null dataspace, which has no shape,
  /// is given as `[0]`.
  public let shape: [Int]
  /// Whether the dataspace is null: no elements and no shape.
  public let isNull: Bool
  /// The number of elements: 1 for a scalar.
  public let elementCount: Int
  /// The bytes of all elements, as stored before any filter. A file may claim any number for data
  /// that it does not hold, unless `layout` is contiguous: compare `storedByteCount()` before a
  /// buffer of that size is made.
  public let byteCount: Int
  /// How the elements are laid out in the file.
  public let layout: Layout
  /// Where the elements begin, from the first byte of the file, a user block included. There, and
  /// only if this is not nil, `byteCount` bytes are exactly the elements in memory order, so that
  /// they may be read and written without libhdf5. Nil unless contiguous, allocated, little-endian
  /// and of a type with a `byteCount`, and in content that is compressed as a whole.
  public let byteOffset: Int?

  /// How the elements of a dataset are laid out.
  public enum Layout: Hashable, Sendable {
    /// Inside the object's header.
    case compact
    /// In one range of the file.
    case contiguous
    /// In pieces, each of which may have passed filters (compression, shuffling, checksums).
    case chunked
  }

  /// The absolute path of the dataset in its file.
  public var path: String { location.path ?? "/" }

  var location: HDF5Location { attributes.location }

  /// Takes over an open dataset and learns what it is.
  init(owning handle: consuming Handle, at location: HDF5Location) throws(HDF5Error) {
    let id = handle.id
    // First of all, since even asking a virtual dataset for its extent may open other files.
    let layout = try Self.checkedLayout(id, at: location)
    let type = try location.acquire(.datatype, "H5Dget_type") { H5Dget_type(id) }
    let recognised = try Datatype.recognise(type, at: location)
    let space = try location.acquire(.dataspace, "H5Dget_space") { H5Dget_space(id) }
    let extent = try Dataspace(space, elementByteCount: recognised.storedByteCount, at: location)
    let byteCount = extent.count * recognised.storedByteCount
    let byteOffset =
      layout == .contiguous
      ? try Self.checkedOffset(id, byteCount: byteCount, recognised, at: location) : nil
    attributes = HDF5Attributes(of: handle, at: location)
    elementType = recognised.elementType
    byteOrder = recognised.byteOrder
    shape = extent.shape
    isNull = extent.isNull
    elementCount = extent.count
    self.byteCount = byteCount
    self.layout = layout
    self.byteOffset = byteOffset
  }

  /// Closes the dataset now; otherwise it closes when it goes out of scope.
  public consuming func close() throws(HDF5Error) {
    try attributes.close()
  }

  /// The bytes that the elements take in the file, after filters; 0 if none was ever written.
  public func storedByteCount() -> Int {
    let id = attributes.handle.id
    return Int(clamping: HDF5Library.query { H5Dget_storage_size(id) })
  }
}

@available(*, unavailable, message: "an open dataset is used by one task at a time")
extension HDF5Dataset: Sendable {}

// MARK: - Checks on opening

extension HDF5Dataset {
  /// Refuses data that lie outside the file.
  private static func checkedLayout(
    _ id: hid_t, at location: HDF5Location
  ) throws(HDF5Error) -> Layout {
    if try isPlainlyContiguous(id, at: location) { return .contiguous }
    let properties = try location.acquire(.propertyList, "H5Dget_create_plist") {
      H5Dget_create_plist(id)
    }
    let layout = try location.call("H5Pget_layout") { H5Pget_layout(properties.id).rawValue }
    switch layout {
    case H5D_COMPACT.rawValue: return .compact
    case H5D_CHUNKED.rawValue: return .chunked
    case H5D_CONTIGUOUS.rawValue: break
    case H5D_VIRTUAL.rawValue:
      throw location.error(
        .refused,
        "expected data in this file, found a virtual dataset, whose parts are not followed",
        during: "H5Dopen2")
    default:
      throw location.error(
        .refused, "expected a known layout, found layout \(layout)", during: "H5Dopen2")
    }
    let count = try location.call("H5Pget_external_count") {
      H5Pget_external_count(properties.id)
    }
    if count > 0 {
      throw location.error(
        .refused,
        "expected data in this file, found external storage in \(count) other file(s), "
          + "which is not followed", during: "H5Dopen2")
    }
    return .contiguous
  }

  /// True of allocated contiguous data in this file, told by two cheap calls: only these have an address,
  /// and lists of other files are messages of their own in the header. What is known of every dataset,
  /// its property list, costs libhdf5 more than all the rest of opening one.
  private static func isPlainlyContiguous(
    _ id: hid_t, at location: HDF5Location
  ) throws(HDF5Error) -> Bool {
    guard HDF5Library.query({ H5Dget_offset(id) }) != chdf5_haddr_undef() else { return false }
    var info = H5O_info_t()
    try location.call("H5Oget_info2") { H5Oget_info2(id, &info, chdf5_o_info_hdr()) }
    // The number of the message "External Data Files" (HDF5 file format specification, IV.A.2.h).
    let externalFiles = 7
    return info.hdr.mesg.present & (1 << externalFiles) == 0
  }

  /// The offset of contiguous data for `byteOffset`; throws if they do not lie inside the file.
  private static func checkedOffset(
    _ id: hid_t, byteCount: Int, _ type: Datatype.Recognised, at location: HDF5Location
  ) throws(HDF5Error) -> Int? {
    let address = HDF5Library.query { H5Dget_offset(id) }
    guard address != chdf5_haddr_undef(), byteCount > 0 else { return nil }
    let fileByteCount = try FileSize.byteCount(ofFileOf: id, at: location)
    let (end, overflow) = UInt64(address).addingReportingOverflow(UInt64(byteCount))
    guard !overflow, end <= UInt64(fileByteCount), let offset = Int(exactly: address) else {
      throw location.error(
        .damaged,
        "expected \(byteCount) bytes of data at \(address), found a file of \(fileByteCount) bytes",
        during: "H5Dget_offset")
    }
    let isExact =
      type.elementType.byteCount == type.storedByteCount && type.byteOrder == .littleEndian
    return isExact ? location.windowOffset.map { $0 + offset } : nil
  }
}

/// The size of an open file: the bound on what an object of it can claim to hold.
enum FileSize {
  static func byteCount(ofFileOf object: hid_t, at location: HDF5Location) throws(HDF5Error) -> Int
  {
    var size: hsize_t = 0
    let file = try location.call("H5Iget_file_id") { H5Iget_file_id(object) }
    // The identifier is the file's own with one more reference, which this gives back.
    defer { _ = HDF5Library.query { H5Idec_ref(file) } }
    try location.call("H5Fget_filesize") { H5Fget_filesize(file, &size) }
    return Int(clamping: size)
  }
}
