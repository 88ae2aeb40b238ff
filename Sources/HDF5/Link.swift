import CHDF5

/// What a link is and what it leads to.
enum Link {
  /// A link that is not a hard link, in words: `a soft link to "/x"`.
  static func describe(_ link: H5L_info_t, named name: String, from group: hid_t) -> String {
    switch link.type {
    case H5L_TYPE_SOFT:
      return "a soft link" + (target(link, name, group).map { " to \"\($0)\"" } ?? "")
    case H5L_TYPE_EXTERNAL:
      return "an external link" + (externalTarget(link, name, group).map { " to \($0)" } ?? "")
    default:
      return "a user-defined link of type \(link.type.rawValue)"
    }
  }

  /// The kind of object that a hard link leads to.
  static func objectType(
    _ name: String, from group: hid_t, at location: HDF5Location
  ) throws(HDF5Error) -> H5O_type_t {
    var info = H5O_info_t()
    try location.call("H5Oget_info_by_name2") {
      H5Oget_info_by_name2(group, name, &info, chdf5_o_info_basic(), chdf5_p_default())
    }
    return info.type
  }

  static func name(of type: H5O_type_t) -> String {
    switch type {
    case H5O_TYPE_GROUP: "group"
    case H5O_TYPE_DATASET: "dataset"
    case H5O_TYPE_NAMED_DATATYPE: "named type"
    default: "object of unknown type \(type.rawValue)"
    }
  }

  /// The value of a soft or external link; nil if it cannot be read.
  private static func value(_ link: H5L_info_t, _ name: String, _ group: hid_t) -> [CChar]? {
    // A path; anything longer is not worth showing.
    guard link.u.val_size > 0, link.u.val_size <= 65_536 else { return nil }
    var bytes = [CChar](repeating: 0, count: link.u.val_size + 1)
    let status = HDF5Library.query {
      H5Lget_val(group, name, &bytes, link.u.val_size, chdf5_p_default())
    }
    return status >= 0 ? bytes : nil
  }

  private static func target(_ link: H5L_info_t, _ name: String, _ group: hid_t) -> String? {
    guard let bytes = value(link, name, group) else { return nil }
    return bytes.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
  }

  private static func externalTarget(
    _ link: H5L_info_t, _ name: String, _ group: hid_t
  ) -> String? {
    guard let bytes = value(link, name, group) else { return nil }
    return HDF5Library.query {
      bytes.withUnsafeBufferPointer { bytes in
        var file: UnsafePointer<CChar>?
        var path: UnsafePointer<CChar>?
        let size = link.u.val_size
        guard H5Lunpack_elink_val(bytes.baseAddress, size, nil, &file, &path) >= 0 else {
          return nil
        }
        guard let file, let path else { return nil }
        return "\"\(String(cString: path))\" in file \"\(String(cString: file))\""
      }
    }
  }
}
