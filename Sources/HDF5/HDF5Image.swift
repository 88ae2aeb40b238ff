import CHDF5
import CHDF5Drivers

/// An HDF5 file in memory, laid out but not filled: every group and attribute is there, and every dataset
/// has its place, whose bytes take no memory.
///
/// Whoever writes the image and then the datasets' bytes at their offsets has the file that libhdf5 would
/// have written.
///
/// A class because it owns memory that several values share. Sendable because nothing changes it once it
/// is made.
package final class HDF5Image: @unchecked Sendable {
  /// The size of the file.
  package let byteCount: Int
  private let image: OpaquePointer

  /// Lays a file out.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - userBlockByteCount: as in ``HDF5File/create(_:userBlockByteCount:)``.
  ///   - objectCount: how many groups and datasets there will be. It says in how large pieces room is
  ///     taken for what describes them: between large pieces the datasets lie side by side.
  ///   - layOut: creates everything; it closes what it opens.
  package init(
    named name: String, userBlockByteCount: Int = 0, objectCount: Int,
    layingOut layOut: (borrowing HDF5Group) throws -> Void
  ) throws {
    let location = HDF5Location(file: name, path: nil)
    guard let image = chdf5_image_create() else {
      throw location.error(.library, "there is no memory", during: "H5Fcreate")
    }
    do {
      let creation = try HDF5File.creationProperties(
        userBlockByteCount: userBlockByteCount, at: location)
      let access = try HDF5File.accessProperties(isLocked: false, at: location)
      try location.call("H5Pset_driver") { chdf5_image_set(access.id, image) }
      try Self.setPlacement(access, objectCount: objectCount, at: location)
      let handle = try location.acquire(.file, "H5Fcreate") {
        H5Fcreate(name, chdf5_acc_excl(), creation.id, access.id)
      }
      let file = HDF5File(owning: handle, path: name)
      try Self.layOut(file, layOut)
      try file.close()
    } catch {
      chdf5_image_destroy(image)
      throw error
    }
    self.image = image
    byteCount = Int(chdf5_image_length(image))
  }

  deinit { chdf5_image_destroy(image) }

  private static func layOut(
    _ file: borrowing HDF5File, _ body: (borrowing HDF5Group) throws -> Void
  ) throws {
    let root = try file.root()
    try body(root)
  }

  /// Datasets of more than 2 KiB begin at multiples of 64 bytes. Metadata are placed in blocks of 1/16 of
  /// what they will take, so that little room is wasted in a small file, and a large one has hundreds of
  /// datasets between two blocks.
  private static func setPlacement(
    _ access: borrowing Handle, objectCount: Int, at location: HDF5Location
  ) throws(HDF5Error) {
    let id = access.id
    try location.call("H5Pset_alignment") { H5Pset_alignment(id, 2049, 64) }
    // A group takes about 1 KiB, a dataset half of that.
    let wanted = min(max(objectCount * 1024 / 16, 2048), 1 << 20)
    let blockByteCount = 1 << (Int.bitWidth - 1 - wanted.leadingZeroBitCount)
    try location.call("H5Pset_meta_block_size") {
      H5Pset_meta_block_size(id, hsize_t(blockByteCount))
    }
  }
}

// MARK: - Bytes

extension HDF5Image {
  /// What ``withBlock(_:_:)`` gives at once.
  package static let blockByteCount = Int(CHDF5_IMAGE_BLOCK)

  /// The bytes from `index * blockByteCount` on, ``blockByteCount`` of them; nil if they are all zero.
  /// Valid as long as the image lives.
  package func block(_ index: Int) -> UnsafeRawPointer? {
    chdf5_image_block(image, UInt64(index))
  }
}
