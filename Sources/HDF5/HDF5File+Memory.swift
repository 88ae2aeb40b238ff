import CHDF5

extension HDF5File {
  /// A new file that lies in memory alone and is never written anywhere: a tree that parts of several
  /// files are shown in.
  ///
  /// - Parameter name: what errors call it.
  package static func inMemory(named name: String) throws(HDF5Error) -> HDF5File {
    let location = HDF5Location(file: name, path: nil)
    let access = try accessProperties(isLocked: false, at: location)
    try location.call("H5Pset_fapl_core") { H5Pset_fapl_core(access.id, 1 << 16, false) }
    // libhdf5 takes two files of one name for the same.
    let uniqueName = "\(name) \(UInt64.random(in: 0 ... .max))"
    let handle = try location.acquire(.file, "H5Fcreate") {
      H5Fcreate(uniqueName, chdf5_acc_excl(), chdf5_p_default(), access.id)
    }
    return HDF5File(owning: handle, path: name)
  }
}

extension HDF5Group {
  /// Creates a dataset that has a type and a shape, but takes no place: nothing is ever written to it.
  package func createOutline(
    _ path: String, _ elementType: HDF5ElementType, shape: [Int]
  ) throws(HDF5Error) {
    _ = try createDataset(path, elementType, shape: shape, allocation: H5D_ALLOC_TIME_LATE)
  }
}
