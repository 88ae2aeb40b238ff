import HDF5
import Testing

@Suite("Datasets of every element type")
struct ElementTypeTests {
  static let types: [HDF5ElementType] = [
    .float16, .float32, .float64, .bfloat16, .int8, .int16, .int32, .int64, .uint8, .uint16,
    .uint32, .uint64, .bool, .opaque(byteCount: 5, tag: "tagged"),
    .string(.fixed(byteCount: 3, padding: .nullPadded, characterSet: .ascii)),
    .string(.fixed(byteCount: 3, padding: .spacePadded, characterSet: .utf8)),
    .string(.fixed(byteCount: 3, padding: .nullTerminated, characterSet: .ascii)),
  ]

  @Test(
    "a dataset gives back the type, the shape and the bytes it was written with", arguments: types)
  func roundTrip(type: HDF5ElementType) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      let size = try #require(type.byteCount)
      // Texts and truth values hold what their types allow.
      let bytes = (0..<6 * size).map { index -> UInt8 in
        switch type {
        case .bool: UInt8(index % 2)
        case .string: 0x61 + UInt8(index % 26)
        default: UInt8((index * 37 + 11) % 256)
        }
      }
      do {
        let file = try HDF5File.create(path)
        do {
          let dataset = try file.root().createDataset("values", type, shape: [2, 3])
          try dataset.write(bytes)
          #expect(dataset.byteOffset != nil)
        }
        try file.close()
      }
      let file = try HDF5File.open(path)
      do {
        let dataset = try file.root().openDataset("values")
        #expect(dataset.elementType == type)
        #expect(dataset.byteOrder == .littleEndian)
        #expect(dataset.shape == [2, 3])
        #expect(dataset.elementCount == 6)
        #expect(dataset.byteCount == 6 * size)
        #expect(try dataset.elements(UInt8.self) == bytes)
      }
      try file.close()
    }
  }

  @Test("a scalar has one element, an axis of size 0 none")
  func scalarAndEmpty() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        let scalar = try root.createDataset("scalar", .int64, shape: [])
        #expect(scalar.shape == [] && scalar.elementCount == 1 && scalar.byteCount == 8)
        try scalar.write([Int64(-7)])
        #expect(try scalar.elements(Int64.self) == [-7])

        let empty = try root.createDataset("empty", .float32, shape: [0, 3])
        #expect(empty.shape == [0, 3] && empty.elementCount == 0 && empty.byteOffset == nil)
        try empty.write([Float]())
        #expect(try empty.elements(Float.self) == [])
        #expect(try empty.rows(0..<0, Float.self) == [])
      }
      try file.close()
    }
  }

  @Test("numbers and truth values are read as other numbers")
  func conversion() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        let doubles = try root.createDataset("doubles", .float64, shape: [3])
        try doubles.write([1.5, -2.25, 1e300])
        #expect(try doubles.elements(Float.self, as: .float32) == [1.5, -2.25, .infinity])
        #expect(try doubles.elements(Int32.self, as: .int32) == [1, -2, .max])

        let halves = try root.createDataset("halves", .float16, shape: [2])
        try halves.write([Float(0.1), 65504], as: .float32)
        #expect(try halves.elements(UInt16.self) == [0x2E66, 0x7BFF])
        #expect(try halves.elements(Float.self, as: .float32) == [0.099975586, 65504])

        let truths = try root.createDataset("truths", .bool, shape: [2])
        try truths.write([UInt8(1), 0])
        #expect(try truths.elements(Int32.self, as: .int32) == [1, 0])
        #expect(try truths.elements(Float.self, as: .float32) == [1, 0])
      }
      try file.close()
    }
  }

  @Test("a type that cannot be converted is refused, and both types are named")
  func mismatch() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        let brain = try root.createDataset("brain", .bfloat16, shape: [2])
        let read = hdf5Error { _ = try brain.elements(Float.self, as: .float32) }
        #expect(read?.kind == .typeMismatch)
        #expect(read?.message == "expected elements readable as float32, found bfloat16")
        let truths = try root.createDataset("truths", .bool, shape: [1])
        let write = hdf5Error { try truths.write([Float(1)], as: .float32) }
        #expect(write?.kind == .typeMismatch)
        #expect(write?.message == "expected elements that can be stored as bool, found float32")
      }
      try file.close()
    }
  }

  @Test("a buffer of another size is refused before anything is read or written")
  func bufferSize() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("values", .float32, shape: [2, 2])
        let error = hdf5Error { try dataset.write([Float(1), 2, 3]) }
        #expect(error?.kind == .shapeMismatch)
        #expect(error?.object == "/values")
        #expect(error?.message == "expected a buffer of 4 elements of 4 bytes, found 12 bytes")
      }
      try file.close()
    }
  }

  @Test(
    "a shape that HDF5 cannot hold is refused",
    arguments: [[-1], [Int.max, 3], Array(repeating: 1, count: 33)])
  func impossibleShape(shape: [Int]) throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        let error = hdf5Error { _ = try root.createDataset("values", .int8, shape: shape) }
        #expect(error?.kind == .invalidArgument)
        #expect(try !root.exists("values"))
      }
      try file.close()
    }
  }
}
