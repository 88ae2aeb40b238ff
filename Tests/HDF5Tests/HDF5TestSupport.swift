import Foundation
import HDF5
import Testing

/// Runs `body` with a fresh directory, and proves afterwards that nothing of the files in it stayed
/// open, whether `body` threw or not.
func withTemporaryDirectory(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: (TemporaryDirectory) throws -> Void
) throws {
  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  defer {
    for name in directory.contents() {
      #expect(
        OpenIdentifiers.count(inFile: directory.path(name)) == 0,
        "identifiers of \(name) are left open", sourceLocation: sourceLocation)
    }
  }
  try body(directory)
}

struct TemporaryDirectory {
  let root: URL

  init() throws {
    root = FileManager.default.temporaryDirectory.appending(path: "hdf5-tests-\(UUID())")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
  }

  func path(_ name: String) -> String { root.appending(path: name).path }

  func contents() -> [String] {
    (try? FileManager.default.subpathsOfDirectory(atPath: root.path)) ?? []
  }

  func remove() { try? FileManager.default.removeItem(at: root) }
}

/// The path of a file that `tools/generate_hdf5_fixtures.py` made with h5py.
func fixture(_ name: String, file: String = #filePath) -> String {
  URL(filePath: file).appending(path: "../../../Fixtures/hdf5/\(name)").standardized.path
}

/// The error that `body` throws.
func hdf5Error(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) -> HDF5Error? {
  do {
    try body()
    Issue.record("expected an HDF5Error, found none", sourceLocation: sourceLocation)
  } catch let error as HDF5Error {
    return error
  } catch {
    Issue.record("expected an HDF5Error, found \(error)", sourceLocation: sourceLocation)
  }
  return nil
}

extension HDF5Dataset {
  /// All elements, in the stored type or in `type`.
  func elements<Element: BitwiseCopyable>(
    _: Element.Type = Element.self, as type: HDF5ElementType? = nil
  ) throws -> [Element] {
    let size = (type ?? elementType).byteCount ?? 0
    return try filled(byteCount: elementCount * size) { bytes throws(HDF5Error) in
      try read(into: bytes, as: type)
    }
  }

  /// The elements of some rows.
  func rows<Element: BitwiseCopyable>(
    _ rows: Range<Int>, _: Element.Type = Element.self, as type: HDF5ElementType? = nil
  ) throws -> [Element] {
    let size = (type ?? elementType).byteCount ?? 0
    let rowCount = shape.first ?? 1
    return try filled(byteCount: rows.count * elementCount / max(rowCount, 1) * size) {
      bytes throws(HDF5Error) in
      try readRows(rows, into: bytes, as: type)
    }
  }

  func write<Element: BitwiseCopyable>(
    _ elements: [Element], as type: HDF5ElementType? = nil
  ) throws {
    try elements.withUnsafeBytes { bytes in try write(from: bytes, as: type) }
  }
}

private func filled<Element: BitwiseCopyable>(
  byteCount: Int, _ read: (UnsafeMutableRawBufferPointer) throws(HDF5Error) -> Void
) throws -> [Element] {
  let bytes = UnsafeMutableRawBufferPointer.allocate(
    byteCount: byteCount, alignment: MemoryLayout<Element>.alignment)
  defer { bytes.deallocate() }
  try read(bytes)
  return Array(bytes.bindMemory(to: Element.self))
}
