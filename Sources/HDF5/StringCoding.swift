import CHDF5

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Texts of fixed and variable length, to and from the form in which libhdf5 transfers them.
enum StringCoding {
  /// Reads `count` texts. `read` transfers them in the given memory type to the given memory; for
  /// variable texts that is a pointer each, which belongs to libhdf5 until it is given back here.
  static func decode(
    _ string: HDF5StringType, count: Int, space: borrowing Handle, at location: HDF5Location,
    read: (hid_t, UnsafeMutableRawPointer) throws(HDF5Error) -> Void
  ) throws(HDF5Error) -> [String] {
    guard count > 0 else { return [] }
    let type = try Datatype.make(.string(string), at: location)
    switch string {
    case .variable:
      let pointers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: count)
      pointers.initialize(repeating: nil, count: count)
      defer { pointers.deallocate() }
      try read(type.id, pointers)
      let (typeID, spaceID) = (type.id, space.id)
      defer {
        _ = HDF5Library.query { H5Dvlen_reclaim(typeID, spaceID, chdf5_p_default(), pointers) }
      }
      return (0..<count).map { index in pointers[index].map { String(cString: $0) } ?? "" }

    case .fixed(let width, let padding, _):
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count * width, alignment: 1)
      defer { bytes.deallocate() }
      guard let start = bytes.baseAddress else { return [] }
      try read(type.id, start)
      return (0..<count).map { index in
        let text = bytes[index * width..<(index + 1) * width]
        return String(decoding: strip(text, padding), as: UTF8.self)
      }
    }
  }

  private static func strip(
    _ text: Slice<UnsafeMutableRawBufferPointer>, _ padding: HDF5StringPadding
  ) -> Slice<UnsafeMutableRawBufferPointer> {
    switch padding {
    case .nullTerminated:
      return text.prefix { $0 != 0 }
    case .nullPadded, .spacePadded:
      let fill: UInt8 = padding == .nullPadded ? 0 : 0x20
      guard let last = text.lastIndex(where: { $0 != fill }) else { return text.prefix(0) }
      return text[...last]
    }
  }

  /// The texts of configurations have megabytes.
  private static func containsNUL(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      bytes.count > 0 && memchr(bytes.baseAddress!, 0, bytes.count) != nil
    }
  }

  /// Gives texts to `write` in the form that a write of the memory type takes.
  static func encode(
    _ texts: [String], as string: HDF5StringType, at location: HDF5Location,
    write: (UnsafeRawPointer) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    switch string {
    case .variable:
      // All texts in one buffer, each with its NUL, and a pointer to each.
      var byteCount = 0
      for text in texts {
        if containsNUL(text) {
          throw location.error(
            .invalidArgument, "expected a text without NUL bytes, found one inside",
            during: "H5Awrite")
        }
        byteCount += text.utf8.count + 1
      }
      let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(byteCount, 1))
      defer { bytes.deallocate() }
      let pointers = UnsafeMutablePointer<UnsafeMutablePointer<UInt8>>.allocate(
        capacity: max(texts.count, 1))
      defer { pointers.deallocate() }
      var next = bytes
      for (index, text) in texts.enumerated() {
        (pointers + index).initialize(to: next)
        let count = text.utf8.count
        let place = UnsafeMutableBufferPointer(start: next, count: count)
        _ = place.initialize(fromContentsOf: text.utf8)
        next += count
        next.initialize(to: 0)
        next += 1
      }
      try write(UnsafeRawPointer(pointers))

    case .fixed(let width, let padding, _):
      let fill: UInt8 = padding == .spacePadded ? 0x20 : 0
      let limit = padding == .nullTerminated ? width - 1 : width
      let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: max(texts.count * width, 1))
      bytes.initialize(repeating: fill, count: max(texts.count * width, 1))
      defer { bytes.deallocate() }
      for (index, text) in texts.enumerated() {
        guard text.utf8.count <= limit else {
          throw location.error(
            .invalidArgument,
            "expected texts of at most \(limit) bytes, found one of \(text.utf8.count)",
            during: "H5Awrite")
        }
        for (offset, byte) in text.utf8.enumerated() { bytes[index * width + offset] = byte }
      }
      try write(UnsafeRawPointer(bytes))
    }
  }
}
