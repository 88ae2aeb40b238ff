import CHDF5

/// The extent of a dataset or attribute.
struct Dataspace {
  /// The sizes of the axes; `[]` for a scalar, `[0]` for a null dataspace.
  let shape: [Int]
  /// Whether the dataspace is null: no elements and no shape.
  let isNull: Bool
  /// The number of elements: 1 for a scalar.
  let count: Int

  /// Reads an extent. Throws if the number of elements, times `elementByteCount`, is beyond `Int`.
  init(
    _ space: borrowing Handle, elementByteCount: Int, at location: HDF5Location
  ) throws(HDF5Error) {
    let id = space.id
    let kind = try location.call("H5Sget_simple_extent_type") {
      H5Sget_simple_extent_type(id).rawValue
    }
    guard kind != H5S_NULL.rawValue else {
      (shape, isNull, count) = ([0], true, 0)
      return
    }
    let rank = try location.call("H5Sget_simple_extent_ndims") { H5Sget_simple_extent_ndims(id) }
    var sizes = [hsize_t](repeating: 0, count: Int(rank))
    if rank > 0 {
      try location.call("H5Sget_simple_extent_dims") {
        H5Sget_simple_extent_dims(id, &sizes, nil)
      }
    }
    let lengths = sizes.compactMap { Int(exactly: $0) }
    guard lengths.count == sizes.count, let count = Self.count(of: lengths),
      !count.multipliedReportingOverflow(by: elementByteCount).overflow
    else {
      throw location.error(
        .damaged, "expected a size that fits in memory, found shape \(sizes)",
        during: "H5Sget_simple_extent_dims")
    }
    (shape, isNull, self.count) = (lengths, false, count)
  }

  /// Makes an extent: a scalar for `[]`.
  static func make(_ shape: [Int], at location: HDF5Location) throws(HDF5Error) -> Handle {
    guard shape.allSatisfy({ $0 >= 0 }), shape.count <= 32, count(of: shape) != nil else {
      throw location.error(
        .invalidArgument,
        "expected at most 32 axes of non-negative size whose product is in range, found \(shape)",
        during: "H5Screate_simple")
    }
    if shape.isEmpty {
      return try location.acquire(.dataspace, "H5Screate") { H5Screate(H5S_SCALAR) }
    }
    let sizes = shape.map { hsize_t($0) }
    return try location.acquire(.dataspace, "H5Screate_simple") {
      H5Screate_simple(Int32(sizes.count), sizes, nil)
    }
  }

  /// The product of the sizes, nil on overflow. A size of 0 makes it 0, whatever the others are.
  static func count(of shape: [Int]) -> Int? {
    if shape.contains(0) { return 0 }
    var product = 1
    for size in shape {
      let (result, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      product = result
    }
    return product
  }
}
