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

  /// All identifiers by kind, also those that belong to no file: types, extents, property lists.
  package static func totals() -> [String: Int] {
    let kinds: [(String, H5I_type_t)] = [
      ("file", H5I_FILE), ("group", H5I_GROUP), ("datatype", H5I_DATATYPE),
      ("dataspace", H5I_DATASPACE), ("dataset", H5I_DATASET), ("attribute", H5I_ATTR),
      ("property list", H5I_GENPROP_LST),
    ]
    return HDF5Library.query {
      var totals: [String: Int] = [:]
      for (name, kind) in kinds {
        var count: hsize_t = 0
        if H5Inmembers(kind, &count) >= 0 { totals[name] = Int(clamping: count) }
      }
      return totals
    }
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
