import Foundation
import HDF5
import TestSupport

/// Data files for the programs under test.
enum DataFiles {
  /// A dataset of `values` in `shape`.
  static func write<Element>(
    _ name: String, _ values: [Element], _ shape: [Int], as type: HDF5ElementType,
    into root: borrowing HDF5Group
  ) throws {
    let dataset = try root.createDataset(name, type, shape: shape)
    try values.withUnsafeBytes { try dataset.write(from: $0) }
  }

  static func bytes(_ name: String, in root: borrowing HDF5Group) throws -> [UInt8] {
    let dataset = try root.openDataset(name)
    var bytes = [UInt8](repeating: 0, count: dataset.byteCount)
    try bytes.withUnsafeMutableBytes { try dataset.read(into: $0) }
    return bytes
  }

  /// `x` of `rowShape` in `rows` rows, numbers between -1 and 1, and integers `y` below `classes`;
  /// `change` may spoil them.
  static func classification(
    _ path: String, rows: Int = 60, rowShape: [Int] = [12], classes: Int = 3,
    change: (_ x: inout [Float], _ y: inout [Int64]) -> Void = { _, _ in }
  ) throws {
    var x = numbers(rows * rowShape.reduce(1, *))
    var y = (0..<rows).map { Int64($0 % classes) }
    change(&x, &y)
    try file(path) { root throws in
      try write("x", x, [x.count / rowShape.reduce(1, *)] + rowShape, as: .float32, into: root)
      try write("y", y, [y.count], as: .int64, into: root)
    }
  }

  /// Ids below 30 in rows of six, and yes or no, for the `embedding` fixtures.
  static func sentences(_ path: String, rows: Int = 40, largestID: Int64 = 29) throws {
    var ids = (0..<rows * 6).map { Int64($0 * 7 % 30) }
    ids[rows * 3] = largestID
    try file(path) { root throws in
      try write("x", ids, [rows, 6], as: .int64, into: root)
      try write("y", (0..<rows).map { Float($0 % 2) }, [rows, 1], as: .float32, into: root)
    }
  }

  /// `x` of shape (rows, 4, 3) and `y` of (rows, 2), for the `flatten` fixtures.
  static func regression(_ path: String, y: [Float]? = nil, rows: Int = 40) throws {
    try file(path) { root throws in
      try write("x", numbers(rows * 12), [rows, 4, 3], as: .float32, into: root)
      try write("y", y ?? numbers(rows * 2), [rows, 2], as: .float32, into: root)
    }
  }

  static func file(_ path: String, _ body: (borrowing HDF5Group) throws -> Void) throws {
    let file = try HDF5File.create(path)
    do { try body(file.root()) }
    try file.close()
  }

  /// A copy of `source` that `body` has changed.
  static func altered(
    _ source: String, as path: String, _ body: (borrowing HDF5Group) throws -> Void
  ) throws {
    try FileManager.default.copyItem(atPath: source, toPath: path)
    let file = try HDF5File.openForUpdate(path)
    do { try body(file.root()) }
    try file.close()
  }

  /// The first `byteCount` bytes of `source`.
  static func truncated(_ source: String, to byteCount: Int, as path: String) throws {
    try contents(of: source).prefix(byteCount).write(to: URL(filePath: path))
  }

  private static func numbers(_ count: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + 13) % 2003) / 1001.5 - 1 }
  }
}

extension DataFiles {
  /// A safetensors file of one tensor.
  static func safetensors(
    _ path: String, name: String, shape: [Int], _ elements: [Float]
  ) throws {
    let header =
      #"{"\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,\#(4 * elements.count)]}}"#
    var file = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    file += Data(header.utf8)
    file += elements.withUnsafeBytes { Data($0) }
    try file.write(to: URL(fileURLWithPath: path))
  }
}
