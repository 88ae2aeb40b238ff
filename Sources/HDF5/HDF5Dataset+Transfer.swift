import CHDF5

// MARK: - Reading

extension HDF5Dataset {
  /// Reads all elements, in row-major order.
  ///
  /// - Parameters:
  ///   - buffer: exactly as many bytes as the elements take in `type`. Contiguous data that need
  ///     no conversion are read by one system call.
  ///   - type: the type in memory, by default the stored one. Numbers and truth values convert to
  ///     any number as libhdf5 does it: nearest float, integers clipped to their range.
  /// - Throws: `typeMismatch`, `shapeMismatch` for another size of the buffer, `library`.
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, as type: HDF5ElementType? = nil
  ) throws(HDF5Error) {
    let memoryType = try readableType(type)
    try checkBuffer(buffer.count, elementCount: elementCount, memoryType, during: "H5Dread")
    guard elementCount > 0, let bytes = buffer.baseAddress else { return }
    let handle = try Datatype.make(memoryType, at: location)
    let id = attributes.handle.id
    try location.call("H5Dread") {
      H5Dread(id, handle.id, chdf5_s_all(), chdf5_s_all(), chdf5_p_default(), bytes)
    }
  }

  /// Reads the elements of some rows: those whose index along the first axis is in `rows`.
  ///
  /// - Throws: as `read`, and `shapeMismatch` if a row is out of range or the dataset is a scalar.
  public func readRows(
    _ rows: Range<Int>, into buffer: UnsafeMutableRawBufferPointer,
    as type: HDF5ElementType? = nil
  ) throws(HDF5Error) {
    let memoryType = try readableType(type)
    let count = try checkedRows(rows, during: "H5Dread")
    try checkBuffer(buffer.count, elementCount: count, memoryType, during: "H5Dread")
    guard count > 0, let bytes = buffer.baseAddress else { return }
    let handle = try Datatype.make(memoryType, at: location)
    let selection = try select(rows)
    let memory = try Dataspace.make([count], at: location)
    let id = attributes.handle.id
    try location.call("H5Dread") {
      H5Dread(id, handle.id, memory.id, selection.id, chdf5_p_default(), bytes)
    }
  }

  /// Reads the elements at some positions, counted row-major over all axes: a scalar has one.
  ///
  /// At most two selections for each axis are read.
  ///
  /// - Throws: as `read`, and `shapeMismatch` if a position is out of range.
  public func readElements(
    _ positions: Range<Int>, into buffer: UnsafeMutableRawBufferPointer,
    as type: HDF5ElementType? = nil
  ) throws(HDF5Error) {
    let memoryType = try readableType(type)
    guard positions.lowerBound >= 0, positions.upperBound <= elementCount else {
      throw location.error(
        .shapeMismatch, "expected positions within 0..<\(elementCount), found \(positions)",
        during: "H5Dread")
    }
    try checkBuffer(
      buffer.count, elementCount: positions.count, memoryType, during: "H5Dread")
    guard positions.count > 0, let bytes = buffer.baseAddress else { return }
    guard !shape.isEmpty else { return try read(into: buffer, as: memoryType) }
    let handle = try Datatype.make(memoryType, at: location)
    let id = attributes.handle.id
    var done = 0
    for box in Hyperslab.covering(positions, of: shape) {
      let space = try location.acquire(.dataspace, "H5Dget_space") { H5Dget_space(id) }
      let memory = try Dataspace.make([box.elementCount], at: location)
      try location.call("H5Sselect_hyperslab") {
        H5Sselect_hyperslab(
          space.id, H5S_SELECT_SET, box.start.map { hsize_t($0) }, nil,
          box.count.map { hsize_t($0) }, nil)
      }
      let destination = bytes + done * (memoryType.byteCount ?? 0)
      try location.call("H5Dread") {
        H5Dread(id, handle.id, memory.id, space.id, chdf5_p_default(), destination)
      }
      done += box.elementCount
    }
  }

  /// Reads all elements of a dataset of texts, in row-major order.
  ///
  /// - Throws: `typeMismatch` unless the elements are texts.
  public func readStrings() throws(HDF5Error) -> [String] {
    guard case .string(let string) = elementType else {
      throw location.error(
        .typeMismatch, "expected texts, found \(elementType)", during: "H5Dread")
    }
    // The texts are read into memory made here, so the file must be able to hold them: a compressed
    // byte stands for at most 1032 (deflate), and what was never written takes no space.
    let stored = storedByteCount()
    guard byteCount <= 65_536 || byteCount / 1032 <= stored else {
      throw location.error(
        .damaged, "expected \(byteCount) bytes of texts, found \(stored) bytes stored",
        during: "H5Dread")
    }
    let id = attributes.handle.id
    let space = try location.acquire(.dataspace, "H5Dget_space") { H5Dget_space(id) }
    return try StringCoding.decode(
      string, count: elementCount, space: space, at: location
    ) { type, bytes throws(HDF5Error) in
      try location.call("H5Dread") {
        H5Dread(id, type, chdf5_s_all(), chdf5_s_all(), chdf5_p_default(), bytes)
      }
    }
  }
}

// MARK: - Writing

extension HDF5Dataset {
  /// Writes all elements, in row-major order.
  ///
  /// - Parameter type: the type in memory, by default the stored one; numbers convert.
  /// - Throws: `typeMismatch`, `shapeMismatch` for another size of the buffer, `library`.
  public func write(
    from buffer: UnsafeRawBufferPointer, as type: HDF5ElementType? = nil
  ) throws(HDF5Error) {
    let memoryType = try writableType(type)
    try checkBuffer(buffer.count, elementCount: elementCount, memoryType, during: "H5Dwrite")
    guard elementCount > 0, let bytes = buffer.baseAddress else { return }
    let handle = try Datatype.make(memoryType, at: location)
    let id = attributes.handle.id
    try location.call("H5Dwrite") {
      H5Dwrite(id, handle.id, chdf5_s_all(), chdf5_s_all(), chdf5_p_default(), bytes)
    }
  }

  /// Writes the elements of the rows whose index along the first axis is in `rows`.
  ///
  /// - Throws: as `write`, and `shapeMismatch` if a row is out of range or the dataset is a scalar.
  public func writeRows(
    _ rows: Range<Int>, from buffer: UnsafeRawBufferPointer, as type: HDF5ElementType? = nil
  ) throws(HDF5Error) {
    let memoryType = try writableType(type)
    let count = try checkedRows(rows, during: "H5Dwrite")
    try checkBuffer(buffer.count, elementCount: count, memoryType, during: "H5Dwrite")
    guard count > 0, let bytes = buffer.baseAddress else { return }
    let handle = try Datatype.make(memoryType, at: location)
    let selection = try select(rows)
    let memory = try Dataspace.make([count], at: location)
    let id = attributes.handle.id
    try location.call("H5Dwrite") {
      H5Dwrite(id, handle.id, memory.id, selection.id, chdf5_p_default(), bytes)
    }
  }
}

// MARK: - Checks

extension HDF5Dataset {
  private func readableType(_ type: HDF5ElementType?) throws(HDF5Error) -> HDF5ElementType {
    let memoryType = type ?? elementType
    guard elementType.isReadable(as: memoryType) else {
      throw location.error(
        .typeMismatch,
        type == nil
          ? "expected elements of a fixed size, found \(elementType)"
          : "expected elements readable as \(memoryType), found \(elementType)",
        during: "H5Dread")
    }
    return memoryType
  }

  private func writableType(_ type: HDF5ElementType?) throws(HDF5Error) -> HDF5ElementType {
    let memoryType = type ?? elementType
    guard memoryType.isReadable(as: elementType) else {
      throw location.error(
        .typeMismatch,
        "expected elements that can be stored as \(elementType), found \(memoryType)",
        during: "H5Dwrite")
    }
    return memoryType
  }

  private func checkBuffer(
    _ found: Int, elementCount: Int, _ type: HDF5ElementType, during operation: String
  ) throws(HDF5Error) {
    let size = type.byteCount ?? 0
    let (expected, overflow) = elementCount.multipliedReportingOverflow(by: size)
    guard !overflow, found == expected else {
      throw location.error(
        .shapeMismatch,
        "expected a buffer of \(elementCount) elements of \(size) bytes, found \(found) bytes",
        during: operation)
    }
  }

  /// The number of elements in some rows, which must exist.
  private func checkedRows(_ rows: Range<Int>, during operation: String) throws(HDF5Error) -> Int {
    guard let rowCount = shape.first, !isNull else {
      throw location.error(
        .shapeMismatch, "expected a dataset with rows, found a scalar", during: operation)
    }
    guard rows.lowerBound >= 0, rows.upperBound <= rowCount else {
      throw location.error(
        .shapeMismatch, "expected rows within 0..<\(rowCount), found \(rows)", during: operation)
    }
    return rowCount == 0 ? 0 : rows.count * (elementCount / rowCount)
  }

  private func select(_ rows: Range<Int>) throws(HDF5Error) -> Handle {
    let id = attributes.handle.id
    let space = try location.acquire(.dataspace, "H5Dget_space") { H5Dget_space(id) }
    var start = [hsize_t](repeating: 0, count: shape.count)
    var count = shape.map { hsize_t($0) }
    start[0] = hsize_t(rows.lowerBound)
    count[0] = hsize_t(rows.count)
    try location.call("H5Sselect_hyperslab") {
      H5Sselect_hyperslab(space.id, H5S_SELECT_SET, start, nil, count, nil)
    }
    return space
  }
}
