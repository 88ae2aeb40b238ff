import Foundation
import HDF5
import Testing

@Suite("Files that do not open")
struct BadFileTests {
  private func write(_ bytes: Data, _ path: String) throws {
    try bytes.write(to: URL(filePath: path))
  }

  private func sample() throws -> Data {
    try Data(contentsOf: URL(filePath: fixture("layouts.h5")))
  }

  @Test("a missing file, a directory and an unreadable place are told apart")
  func cannotOpen() throws {
    try withTemporaryDirectory { directory in
      let missing = hdf5Error { _ = try HDF5File.open(directory.path("missing.h5")) }
      #expect(missing?.kind == .cannotOpen)
      #expect(missing?.message == "No such file or directory")
      #expect(missing?.object == nil)
      #expect(
        missing?.description
          == "\(directory.path("missing.h5")): No such file or directory (H5Fopen)")
      let place = hdf5Error { _ = try HDF5File.open(directory.root.path) }
      #expect(place?.kind == .cannotOpen)
      #expect(place?.message == "expected a file, found a directory")
      let update = hdf5Error { _ = try HDF5File.openForUpdate(directory.root.path) }
      #expect(update?.kind == .cannotOpen)
      #expect(update?.message == "Is a directory")
    }
  }

  @Test(
    "a file without an HDF5 signature is not HDF5",
    arguments: [
      (Data(), "an empty file"), (Data("PK\u{3}\u{4}".utf8), "no HDF5 signature"),
      (Data(repeating: 7, count: 5000), "no HDF5 signature"),
    ])
  func notHDF5(bytes: Data, found: String) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try write(bytes, path)
      for error in [
        hdf5Error { _ = try HDF5File.open(path) },
        hdf5Error { _ = try HDF5File.openForUpdate(path) },
      ] {
        #expect(error?.kind == .notHDF5)
        #expect(error?.message == "expected an HDF5 file, found \(found)")
      }
    }
  }

  @Test("a truncated file says how many bytes it should have", arguments: [97, 1000, 18_000])
  func truncated(length: Int) throws {
    try withTemporaryDirectory { directory in
      let whole = try sample()
      let path = directory.path("a.h5")
      try write(whole.prefix(length), path)
      let error = hdf5Error { _ = try HDF5File.open(path) }
      #expect(error?.kind == .truncated)
      #expect(
        error?.message == "the file is cut short: expected \(whole.count) bytes, found \(length)")
    }
  }

  @Test("a file cut inside its header is truncated, too", arguments: [8, 20])
  func truncatedHeader(length: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try write(try sample().prefix(length), path)
      let error = hdf5Error { _ = try HDF5File.open(path) }
      #expect(error?.kind == .truncated)
      #expect(
        error?.message == "the file is cut short: expected a header of 96 bytes, found \(length)")
    }
  }

  @Test("a damaged header is the library's error, with its stack")
  func damagedHeader() throws {
    try withTemporaryDirectory { directory in
      var bytes = try sample()
      bytes[8] = 99
      let path = directory.path("a.h5")
      try write(bytes, path)
      let error = hdf5Error { _ = try HDF5File.open(path) }
      #expect(error?.kind == .library)
      #expect(error?.operation == "H5Fopen")
      #expect(error?.stack.first?.function == "H5Fopen")
      #expect((error?.stack.count ?? 0) > 2)
      #expect(error?.description.contains("bad superblock version number") == true)
    }
  }

  @Test(
    "a dataset that claims more bytes than the file has is damaged",
    arguments: [
      (UInt64(13_000), HDF5Error.Kind.damaged), (1 << 40, .damaged), (1 << 61, .damaged),
      (1 << 63, .library),
    ])
  func absurdDataset(rows: UInt64, kind: HDF5Error.Kind) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      let file = try HDF5File.create(path)
      do { _ = try file.root().createDataset("values", .float32, shape: [12_345]) }
      try file.close()
      var bytes = try Data(contentsOf: URL(filePath: path))
      // The extent, with the maximum extent that follows it.
      let range = try #require(bytes.range(of: [UInt64(12_345)].withUnsafeBytes { Data($0) }))
      bytes.replaceSubrange(range, with: [rows].withUnsafeBytes { Data($0) })
      try write(bytes, path)
      let damaged = try HDF5File.open(path)
      do {
        let root = try damaged.root()
        let error = hdf5Error { _ = try root.openDataset("values") }
        #expect(error?.object == "/values")
        #expect(error?.kind == kind)
      }
      try damaged.close()
    }
  }

  @Test("control characters in names do not break the line of an error")
  func oneLine() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        let error = hdf5Error { _ = try root.openGroup("a\nb\u{1B}[31m") }
        #expect(error?.description.contains("/a\\nb\\u{1B}[31m: there is no such object") == true)
      }
      try file.close()
    }
  }

  @Test("a heap of strings that leads from an object to itself is refused", .timeLimit(.minutes(1)))
  func endlessHeap() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("heap.h5")
      do {
        let file = try HDF5File.create(path)
        try file.root().attributes.setString("a text", for: "text", as: .variable(.utf8))
        try file.close()
      }
      var bytes = try Data(contentsOf: URL(filePath: path))
      let heap = try #require(bytes.range(of: Data("GCOL\u{1}".utf8))?.lowerBound)
      // As after a loss of power: the blocks behind the collection's header were never written.
      bytes.replaceSubrange(heap + 16..<heap + 4096, with: Data(count: 4080))
      try write(bytes, path)
      let error = hdf5Error {
        _ = try HDF5File.open(path).root().attributes.string("text")
      }
      #expect(error?.kind == .library)
    }
  }
}
