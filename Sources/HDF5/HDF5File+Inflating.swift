import CHDF5
import CHDF5Drivers
import Glibc

extension HDF5File {
  /// Opens HDF5 content that lies inside a larger file, such as an archive, compressed by deflate, for
  /// reading in place: nothing is unpacked to disk, and at most 48 MiB of memory are taken whatever its
  /// size. The whole content is decompressed once to check it.
  ///
  /// - Parameters:
  ///   - member: the bytes of the file that are the compressed content.
  ///   - byteCount: of the content.
  ///   - checksum: the content's CRC-32.
  /// - Throws: as `open`, and `damaged` when the content is none, or another than announced.
  package static func open(
    _ path: String, inflating member: Range<Int>, byteCount: Int, checksum: UInt32
  ) throws(HDF5Error) -> HDF5File {
    let location = HDF5Location(file: path, path: nil, windowOffset: nil)
    try location.checkName(path, during: "H5Fopen")
    var opened: OpaquePointer?
    // Outside of the gate: it takes its time and does not enter libhdf5.
    let status = chdf5_inflated_open(
      path, UInt64(member.lowerBound), UInt64(member.count), UInt64(byteCount), checksum, &opened)
    guard let content = opened else {
      throw location.inflating(status, byteCount: byteCount, systemError: errno)
    }
    defer { chdf5_inflated_release(content) }
    let access = try accessProperties(isLocked: false, at: location)
    try location.call("H5Pset_driver") { chdf5_inflated_set(access.id, content) }
    let handle = try location.acquire(.file, "H5Fopen") {
      H5Fopen(path, chdf5_acc_rdonly(), access.id)
    }
    return HDF5File(owning: handle, path: path, windowOffset: nil)
  }
}

extension HDF5Location {
  fileprivate func inflating(
    _ status: chdf5_inflated_status, byteCount: Int, systemError: Int32
  ) -> HDF5Error {
    let (kind, problem): (HDF5Error.Kind, String) =
      switch status {
      case CHDF5_INFLATED_UNREADABLE: (.cannotOpen, String(cString: strerror(systemError)))
      case CHDF5_INFLATED_DAMAGED: (.damaged, "its compressed data are damaged")
      case CHDF5_INFLATED_WRONG_SIZE:
        (.damaged, "its compressed data are not those of \(byteCount) bytes")
      case CHDF5_INFLATED_WRONG_CHECKSUM: (.damaged, "its checksum is wrong")
      default: (.library, "there is no memory to decompress it")
      }
    return error(kind, problem, during: "inflate")
  }
}
