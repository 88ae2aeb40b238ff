import Dispatch
import Foundation
import HDF5
import Testing

@Suite("Lifetimes and threads")
struct LifetimeTests {
  /// Uses every part of the module, failures included.
  private static func exercise(_ directory: TemporaryDirectory, name: String) throws {
    let path = directory.path(name)
    let file = try HDF5File.create(path)
    do {
      let root = try file.root()
      try root.attributes.setStrings(["a", "b"], for: "names")
      try root.attributes.setIntegers([1, 2], for: "numbers")
      let types: [HDF5ElementType] = [.float16, .float32, .bfloat16, .bool, .int64]
      for (index, type) in types.enumerated() {
        let dataset = try root.createDataset("layers/vars/\(index)", type, shape: [4, 1])
        try dataset.write([UInt8](repeating: 1, count: dataset.byteCount))
        _ = try dataset.rows(1..<3, UInt8.self)
      }
      _ = hdf5Error { _ = try root.openGroup("layers/vars/0") }
      _ = hdf5Error { _ = try root.openDataset("nowhere") }
      _ = hdf5Error { try root.attributes.setStrings(["a\0"], for: "names") }
      _ = hdf5Error { _ = try root.attributes.string("numbers") }
      _ = hdf5Error { _ = try root.createDataset("names", .unsupported("x"), shape: []) }
    }
    try file.close()
    _ = hdf5Error { _ = try HDF5File.create(path) }
    let again = try HDF5File.open(path)
    do {
      let root = try again.root()
      #expect(try root.attributes.strings("names") == ["a", "b"])
      let vars = try root.openGroup("layers/vars")
      #expect(try vars.members().count == 5)
      let dataset = try vars.openDataset("4")
      #expect(try dataset.elements(UInt8.self).count == 32)
      try dataset.close()
    }
    try again.close()
    let links = try HDF5File.open(fixture("links.h5"))
    do {
      let root = try links.root()
      for name in try root.memberNames() { _ = try? root.openDataset(name) }
      _ = try root.members()
    }
    try links.close()
    let types = try HDF5File.open(fixture("types.h5"))
    do {
      let root = try types.root()
      #expect(try root.openDataset("strings").readStrings().count == 3)
      #expect(try root.openDataset("bool").elementCount == 3)
    }
    try types.close()
    _ = hdf5Error { _ = try HDF5File.open(directory.root.path) }
  }

  // In a process of its own, since identifiers of other tests would be counted.
  @Test("no identifier of any kind is left after all of it, failures included")
  func noIdentifierLeft() async {
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      // The first use makes identifiers that the library keeps: its predefined types.
      try Self.exercise(directory, name: "first.h5")
      let before = OpenIdentifiers.totals()
      precondition(before["file"] == 0, "objects of files are open: \(before)")
      for index in 0..<3 { try Self.exercise(directory, name: "\(index).h5") }
      let after = OpenIdentifiers.totals()
      directory.remove()
      precondition(before == after, "before: \(before), after: \(after)")
    }
  }

  @Test("several threads use files at once")
  func threads() throws {
    try withTemporaryDirectory { directory in
      DispatchQueue.concurrentPerform(iterations: 8) { index in
        do {
          try Self.exercise(directory, name: "\(index).h5")
        } catch {
          Issue.record(error)
        }
      }
    }
  }

  // libhdf5 prints its error stack to stderr unless it is told not to, on each thread anew.
  @Test("nothing is printed when a call fails on another thread")
  func silence() async throws {
    let result = await #expect(
      processExitsWith: .success, observing: [\.standardErrorContent]
    ) {
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        _ = hdf5Error { _ = try HDF5File.open("/nowhere/at/all.h5") }
      }
    }
    let printed = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(!printed.contains("HDF5-DIAG"))
  }
}
