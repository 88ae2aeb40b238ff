import CHDF5

/// Owns one libhdf5 identifier and closes it once.
struct Handle: ~Copyable {
  enum Kind {
    case file, group, dataset, datatype, dataspace, attribute, propertyList
  }

  let id: hid_t
  private let kind: Kind

  /// Takes over the caller's reference to `id`, which must be valid.
  init(_ id: hid_t, _ kind: Kind) {
    self.id = id
    self.kind = kind
  }

  /// The net: where a failing close matters, the owner has called `close(at:)` before. A file that
  /// is dropped takes the objects opened through it along, since it could not be closed otherwise
  /// (`H5F_CLOSE_SEMI`) and would stay open for the life of the process.
  deinit {
    if kind == .file { Self.closeObjects(of: id) }
    _ = HDF5Library.query { [id, kind] in Self.close(id, kind) }
  }

  /// Closes now and reports a failure. Not tried again after one: libhdf5 has freed the object then,
  /// but may keep its identifier.
  consuming func close(at location: HDF5Location) throws(HDF5Error) {
    let (id, kind, operation) = (id, kind, closeOperation)
    discard self
    try location.call(operation) { Self.close(id, kind) }
  }

  private var closeOperation: StaticString {
    switch kind {
    case .file: "H5Fclose"
    case .group: "H5Gclose"
    case .dataset: "H5Dclose"
    case .datatype: "H5Tclose"
    case .dataspace: "H5Sclose"
    case .attribute: "H5Aclose"
    case .propertyList: "H5Pclose"
    }
  }

  private static func close(_ id: hid_t, _ kind: Kind) -> herr_t {
    switch kind {
    case .file: H5Fclose(id)
    case .group: H5Gclose(id)
    case .dataset: H5Dclose(id)
    case .datatype: H5Tclose(id)
    case .dataspace: H5Sclose(id)
    case .attribute: H5Aclose(id)
    case .propertyList: H5Pclose(id)
    }
  }

  /// Closes what is open through a file identifier. Identifiers are not used a second time by
  /// libhdf5, so a handle that outlives its file finds an invalid one and reports that.
  private static func closeObjects(of file: hid_t) {
    HDF5Library.query {
      let count = H5Fget_obj_count(file, chdf5_obj_any_local())
      guard count > 0 else { return }
      var ids = [hid_t](repeating: -1, count: count)
      let found = H5Fget_obj_ids(file, chdf5_obj_any_local(), count, &ids)
      for id in ids.prefix(max(0, found)) {
        while H5Iis_valid(id) > 0, H5Idec_ref(id) > 0 {}
      }
    }
  }
}
