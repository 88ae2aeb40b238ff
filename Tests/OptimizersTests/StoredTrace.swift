import Foundation
import HDF5
import KerasConfiguration
import TestSupport

@testable import Tensors

/// One dataset of a file in `Fixtures/traces`: texts, and the arrays that lie in it end to end.
/// `Fixtures/README.md` describes the layout.
struct StoredTrace {
  /// What was recorded: the optimizer's arguments, the variables, the events.
  let recipe: JSONValue
  /// The optimizer's own `get_config`.
  let kerasConfiguration: JSONValue
  private let places: [String: Place]
  private let bytes: [UInt8]

  private struct Place {
    let dtype: DType
    let shape: Shape
    let byteOffset: Int
    var end: Int { byteOffset + shape.elementCount * dtype.byteCount }
  }

  /// The traces of `<file>.h5`; none if the fixture is missing.
  static func names(in file: String) -> [String] {
    do {
      let file = try HDF5File.open(path(file))
      let root = try file.root()
      return try root.memberNames()
    } catch {
      return []
    }
  }

  init(named name: String, in file: String) throws {
    let file = try HDF5File.open(Self.path(file))
    let root = try file.root()
    let dataset = try root.openDataset(name)
    recipe = try JSONValue(parsing: dataset.attributes.string("configuration"))
    kerasConfiguration = try JSONValue(parsing: dataset.attributes.string("keras_configuration"))
    let index = try JSONValue(parsing: dataset.attributes.string("arrays"))
    var places: [String: Place] = [:]
    var offset = 0
    for pair in index.object?.pairs ?? [] {
      guard let entry = pair.value.array, let name = entry.first?.string,
        let dtype = DType(rawValue: name)
      else { throw CocoaError(.fileReadCorruptFile) }
      let place = Place(
        dtype: dtype, shape: Shape(entry.dropFirst().compactMap(\.int)), byteOffset: offset)
      places[pair.key] = place
      offset = place.end
    }
    guard offset == dataset.byteCount else { throw CocoaError(.fileReadCorruptFile) }
    self.places = places
    var bytes = [UInt8](repeating: 0, count: dataset.byteCount)
    try bytes.withUnsafeMutableBytes { try dataset.read(into: $0) }
    self.bytes = bytes
  }

  /// Nil if nothing was recorded under this path.
  func tensor(ifAt path: String) -> Tensor? {
    guard let place = places[path] else { return nil }
    return Tensor(shape: place.shape, dtype: place.dtype) { target in
      target.copyBytes(from: bytes[place.byteOffset..<place.end])
    }
  }

  /// Throws if nothing was recorded under this path.
  func tensor(at path: String) throws -> Tensor {
    guard let tensor = tensor(ifAt: path) else {
      throw CocoaError(.fileReadCorruptFile, userInfo: [NSDebugDescriptionErrorKey: path])
    }
    return tensor
  }

  /// Those paths' next parts that begin with `folder`: `m` and `v` of `slots`.
  func members(of folder: String) -> Set<String> {
    Set(
      places.keys.compactMap { path in
        let parts = path.split(separator: "/")
        return parts.count > 1 && parts[0] == folder ? String(parts[1]) : nil
      })
  }

  private static func path(_ file: String) -> String { Fixture.path("traces/\(file).h5") }
}
