import CHDF5

/// What libhdf5 holds open in this process, so that tests can prove that nothing was left.
package enum OpenIdentifiers {
  /// The identifiers that belong to the file of that path: of the file itself, and of its groups,
  /// datasets, named types and attributes, through whatever handle.
  package static func count(inFile path: String) -> Int {
    HDF5Library.query {
      let limit = H5Fget_obj_count(chdf5_every_file(), chdf5_obj_all())
      guard limit > 0 else { return 0 }
      var ids = [hid_t](repeating: -1, count: limit)
      let found = H5Fget_obj_ids(chdf5_every_file(), chdf5_obj_all(), limit, &ids)
      return ids.prefix(max(0, found)).filter { fileName($0) == path }.count
    }
  }

  /// The identifiers of the whole process: those that belong to files, and the types, extents and
  /// property lists beside them. Only for processes that do little: libhdf5 counts the latter for
  /// nobody, but it numbers them, so that each number up to the next is asked for.
  package static func totals() -> [String: Int] {
    HDF5Library.query {
      [
        "file": H5Fget_obj_count(chdf5_every_file(), chdf5_obj_all()),
        "datatype": countBelow(H5Tcopy(chdf5_std_i8le())),
        "dataspace": countBelow(H5Screate(H5S_SCALAR)),
        "property list": countBelow(H5Pcreate(chdf5_p_file_access())),
      ]
    }
  }

  /// The number of valid identifiers older than the one just made, which is given back.
  private static func countBelow(_ newest: hid_t) -> Int {
    // The upper byte is the kind.
    let first = newest & ~((1 << 56) - 1)
    let count = (first..<newest).count { H5Iis_valid($0) > 0 }
    H5Idec_ref(newest)
    return count
  }

  /// Runs under the lock.
  private static func fileName(_ id: hid_t) -> String? {
    let length = H5Fget_name(id, nil, 0)
    guard length > 0 else { return nil }
    var name = [CChar](repeating: 0, count: length + 1)
    guard H5Fget_name(id, &name, name.count) == length else { return nil }
    return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
  }
}
