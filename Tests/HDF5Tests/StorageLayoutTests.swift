import HDF5
import Testing

@Suite("Datasets that h5py wrote")
struct StorageLayoutTests {
  static let grid = (0..<60).map(Float.init)

  @Test(
    "chunked and filtered data are read, whole and by rows",
    arguments: ["chunked", "gzip", "shuffled", "checksummed"])
  func chunked(name: String) throws {
    let file = try HDF5File.open(fixture("layouts.h5"))
    do {
      let dataset = try file.root().openDataset(name)
      #expect(dataset.layout == .chunked)
      #expect(dataset.byteOffset == nil)
      #expect(try dataset.elements(Float.self) == Self.grid)
      #expect(try dataset.rows(7..<17, Float.self) == Array(Self.grid[21..<51]))
    }
    try file.close()
  }

  @Test("a filter that libhdf5 does not have is named in the error")
  func unknownFilter() throws {
    let file = try HDF5File.open(fixture("layouts.h5"))
    do {
      let dataset = try file.root().openDataset("lzf")
      let error = hdf5Error { _ = try dataset.elements(Float.self) }
      #expect(error?.kind == .library)
      #expect(error?.operation == "H5Dread")
      #expect(error?.object == "/lzf")
      #expect(error?.message.contains("required filter 'lzf' is not registered") == true)
    }
    try file.close()
  }

  @Test("compact data and data never written are read")
  func compactAndUnwritten() throws {
    let file = try HDF5File.open(fixture("layouts.h5"))
    do {
      let compact = try file.root().openDataset("compact")
      #expect(compact.layout == .compact)
      #expect(compact.byteOffset == nil)
      #expect(try compact.elements(Float.self) == [1, 2, 3, 4])
      #expect(try compact.rows(1..<3, Float.self) == [2, 3])
      let unwritten = try file.root().openDataset("never_written")
      #expect(unwritten.layout == .contiguous)
      #expect(unwritten.byteOffset == nil)
      #expect(unwritten.storedByteCount() == 0)
      #expect(try unwritten.elements(Float.self) == [2.5, 2.5, 2.5])
    }
    try file.close()
  }

  @Test(
    "big-endian numbers are read in native order and give no byte offset",
    arguments: [
      ("f2", HDF5ElementType.float16), ("f4", .float32), ("f8", .float64), ("i2", .int16),
      ("i4", .int32), ("i8", .int64), ("u4", .uint32),
    ])
  func bigEndian(name: String, type: HDF5ElementType) throws {
    let file = try HDF5File.open(fixture("types.h5"))
    do {
      let dataset = try file.root().openDataset("big_endian/\(name)")
      #expect(dataset.elementType == type)
      #expect(dataset.byteOrder == .bigEndian)
      #expect(dataset.byteOffset == nil)
      #expect(try dataset.elements(Double.self, as: .float64) == [1, 2, 300])
      if type == .float32 { #expect(try dataset.elements(Float.self) == [1, 2, 300]) }
      if type == .int16 { #expect(try dataset.elements(Int16.self) == [1, 2, 300]) }
    }
    try file.close()
  }

  @Test("h5py's truth values, half floats and bfloat16 are recognised")
  func specialTypes() throws {
    let file = try HDF5File.open(fixture("types.h5"))
    do {
      let root = try file.root()
      let truths = try root.openDataset("bool")
      #expect(truths.elementType == .bool)
      #expect(try truths.elements(UInt8.self) == [1, 0, 1])
      let halves = try root.openDataset("half")
      #expect(halves.elementType == .float16)
      #expect(try halves.elements(Float.self, as: .float32) == [0.5, -2, 65504])
      let brain = try root.openDataset("bfloat16")
      #expect(brain.elementType == .bfloat16)
      #expect(try brain.elements(UInt16.self) == [0x3F80, 0xC000])
    }
    try file.close()
  }

  @Test("texts of variable and fixed length are read")
  func texts() throws {
    let file = try HDF5File.open(fixture("types.h5"))
    do {
      let root = try file.root()
      #expect(try root.openDataset("strings").readStrings() == ["a", "", "ä€"])
      #expect(try root.openDataset("fixed_strings").readStrings() == ["ab", "", "abcd"])
      let strings = try root.openDataset("strings")
      let error = hdf5Error { _ = try strings.elements(UInt8.self) }
      #expect(error?.kind == .typeMismatch)
      let numbers = try root.openDataset("half")
      #expect(hdf5Error { _ = try numbers.readStrings() }?.kind == .typeMismatch)
    }
    try file.close()
  }

  @Test("a type that is not read can be listed, and says what it is")
  func unsupportedTypes() throws {
    let file = try HDF5File.open(fixture("types.h5"))
    do {
      let root = try file.root()
      let expected = [
        "complex": "compound of 8 bytes", "color": "enumeration of 1 bytes",
        "long_double": "floating point of 16 bytes, not IEEE 754",
      ]
      for (name, text) in expected {
        let dataset = try root.openDataset(name)
        #expect(dataset.elementType == .unsupported(text))
        #expect(dataset.byteOffset == nil)
        #expect(hdf5Error { _ = try dataset.elements(UInt8.self) }?.kind == .typeMismatch)
      }
      let null = try root.openDataset("null")
      #expect(null.isNull && null.elementCount == 0 && null.shape == [0])
      #expect(try null.elements(Float.self) == [])
      #expect(hdf5Error { _ = try null.rows(0..<0, Float.self) }?.kind == .shapeMismatch)
    }
    try file.close()
  }

  @Test("a file of the newest format is read")
  func newestFormat() throws {
    let file = try HDF5File.open(fixture("latest.h5"))
    do {
      let root = try file.root()
      #expect(try root.memberNames().last == "values")
      #expect(try root.attributes.names() == (0..<12).map { "name\($0)" })
      #expect(try root.attributes.integer("name11") == 11)
      #expect(try root.openDataset("values").elements(Double.self) == [1, 2, 3])
    }
    try file.close()
  }
}
