import HDF5
import Testing

@Suite("Rows of a dataset")
struct RowTests {
  @Test("rows are written and read apart from the others")
  func partial() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("values", .float32, shape: [4, 2, 2])
        try dataset.write((0..<16).map(Float.init))
        try [Float](repeating: -1, count: 8).withUnsafeBytes { bytes in
          try dataset.writeRows(1..<3, from: bytes)
        }
        let expected: [Float] = [0, 1, 2, 3] + Array(repeating: -1, count: 8) + [12, 13, 14, 15]
        #expect(try dataset.elements(Float.self) == expected)
        #expect(try dataset.rows(2..<4, Float.self) == [-1, -1, -1, -1, 12, 13, 14, 15])
        #expect(try dataset.rows(3..<4, Double.self, as: .float64) == [12, 13, 14, 15])
        #expect(try dataset.rows(4..<4, Float.self) == [])
      }
      try file.close()
    }
  }

  @Test("rows that do not exist are refused", arguments: [0..<5, -1..<1, 5..<5, 0..<Int.max])
  func outOfRange(rows: Range<Int>) throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("values", .int8, shape: [4])
        let error = hdf5Error {
          try dataset.readRows(rows, into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
        }
        #expect(error?.kind == .shapeMismatch)
        #expect(error?.message == "expected rows within 0..<4, found \(rows)")
      }
      try file.close()
    }
  }

  @Test("a scalar has no rows")
  func scalar() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("values", .int8, shape: [])
        #expect(hdf5Error { _ = try dataset.rows(0..<1, Int8.self) }?.kind == .shapeMismatch)
      }
      try file.close()
    }
  }
}
