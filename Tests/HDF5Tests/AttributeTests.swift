import HDF5
import Testing

@Suite("Attributes")
struct AttributeTests {
  /// Writes on the root group of a new file, and checks on the same group opened again.
  private func roundTrip(
    write: (borrowing HDF5Attributes) throws -> Void,
    check: (borrowing HDF5Attributes) throws -> Void
  ) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      let created = try HDF5File.create(path)
      do {
        let root = try created.root()
        try write(root.attributes)
      }
      try created.close()
      let file = try HDF5File.open(path)
      do {
        let root = try file.root()
        try check(root.attributes)
      }
      try file.close()
    }
  }

  static let stringTypes: [HDF5StringType] = [
    .variable(.ascii), .variable(.utf8),
    .fixed(byteCount: 12, padding: .nullPadded, characterSet: .ascii),
    .fixed(byteCount: 12, padding: .nullTerminated, characterSet: .utf8),
    .fixed(byteCount: 12, padding: .spacePadded, characterSet: .ascii),
  ]

  @Test("texts of every type are given back, scalar and array", arguments: stringTypes)
  func texts(type: HDF5StringType) throws {
    try roundTrip { attributes in
      try attributes.setString("dense ä€", for: "one", as: type)
      try attributes.setStrings(["a", "", "kernel:0"], for: "many", as: type)
      try attributes.setStrings([], for: "none", as: type)
    } check: { attributes throws in
      #expect(try attributes.string("one") == "dense ä€")
      #expect(try attributes.strings("one") == ["dense ä€"])
      #expect(try attributes.strings("many") == ["a", "", "kernel:0"])
      #expect(try attributes.strings("none") == [])
      #expect(try attributes.info("one").elementType == .string(type))
      #expect(try attributes.info("one").shape == [])
      #expect(try attributes.info("many").shape == [3])
      #expect(try attributes.info("none").shape == [0])
    }
  }

  @Test("numbers are given back, scalar and array")
  func numbers() throws {
    try roundTrip { attributes in
      try attributes.setInteger(.min, for: "integer")
      try attributes.setIntegers([1, -2, .max], for: "integers")
      try attributes.setDouble(0.1, for: "double")
      try attributes.setDoubles([], for: "doubles")
    } check: { attributes throws in
      #expect(try attributes.integer("integer") == .min)
      #expect(try attributes.integers("integers") == [1, -2, .max])
      #expect(try attributes.double("double") == 0.1)
      #expect(try attributes.double("integer") == -9_223_372_036_854_775_808)
      #expect(try attributes.doubles("doubles") == [])
      // Keras's empty list of names.
      #expect(try attributes.strings("doubles") == [])
      #expect(try attributes.info("doubles").elementType == .float64)
      #expect(try attributes.info("doubles").shape == [0])
      #expect(try attributes.names() == ["double", "doubles", "integer", "integers"])
    }
  }

  @Test("elements of any fixed size are given back as bytes")
  func bytes() throws {
    try roundTrip { attributes in
      try attributes.setBytes([1, 0], for: "bool", as: .bool, shape: [2])
      try attributes.setBytes([0x80, 0x3F], for: "brain", as: .bfloat16, shape: [])
    } check: { attributes throws in
      #expect(try attributes.bytes("bool") == [1, 0])
      #expect(try attributes.integers("bool") == [1, 0])
      #expect(try attributes.bytes("brain") == [0x80, 0x3F])
      #expect(try attributes.info("brain").elementType == .bfloat16)
    }
  }

  @Test("a text far beyond the 64 KiB of an object's header is kept whole")
  func longText() throws {
    let text = String(repeating: "{\"name\": \"dense\"} ", count: 50_000)
    try roundTrip { attributes in
      try attributes.setString(text, for: "model_config")
    } check: { attributes throws in
      #expect(try attributes.string("model_config") == text)
    }
  }

  @Test("setting an attribute again replaces it, removing it makes it missing")
  func replaceAndRemove() throws {
    try roundTrip { attributes in
      try attributes.setString("first", for: "a")
      try attributes.setInteger(2, for: "a")
      try attributes.setInteger(3, for: "b")
      try attributes.remove("b")
    } check: { attributes throws in
      #expect(try attributes.names() == ["a"])
      #expect(try attributes.integer("a") == 2)
    }
  }

  @Test("what HDF5 cannot store is refused, and the attribute of that name stays")
  func invalidValues() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        try root.attributes.setString("kept", for: "a")
        let nul = hdf5Error { try root.attributes.setString("a\0b", for: "a") }
        #expect(nul?.kind == .invalidArgument)
        let narrow = HDF5StringType.fixed(byteCount: 3, padding: .nullPadded, characterSet: .ascii)
        let wide = hdf5Error { try root.attributes.setStrings(["abcd"], for: "a", as: narrow) }
        #expect(wide?.message == "expected texts of at most 3 bytes, found one of 4")
        let short = hdf5Error {
          try root.attributes.setBytes([1], for: "a", as: .float32, shape: [])
        }
        #expect(short?.kind == .shapeMismatch)
        for name in ["", "a\0b"] {
          let error = hdf5Error { try root.attributes.setInteger(1, for: name) }
          #expect(error?.kind == .invalidArgument)
        }
        #expect(hdf5Error { try root.attributes.remove("b") }?.kind == .missing)
        #expect(try root.attributes.names() == ["a"])
        #expect(try root.attributes.string("a") == "kept")
      }
      try file.close()
    }
  }

  @Test("more names than an object's header can hold are an error, not a cut list")
  func tooLarge() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        try root.attributes.setStrings(Array(repeating: "a", count: 4091), for: "fits")
        let error = hdf5Error {
          try root.attributes.setStrings(Array(repeating: "a", count: 4092), for: "large")
        }
        #expect(error?.kind == .library)
        #expect(error?.operation == "H5Acreate2")
        #expect(error?.object == "/@large")
        #expect(error?.message.contains("object header message is too large") == true)
      }
      try file.close()
    }
  }

  @Test("attributes that h5py wrote are read")
  func fromPython() throws {
    let file = try HDF5File.open(fixture("attributes.h5"))
    do {
      let root = try file.root()
      #expect(try root.attributes.string("variable_utf8") == "tensorflow ä€")
      #expect(try root.attributes.string("variable_ascii") == "keras")
      #expect(try root.attributes.strings("variable_array") == ["a", "", "ccc"])
      #expect(try root.attributes.strings("variable_none") == [])
      #expect(try root.attributes.strings("fixed_array") == ["dense/kernel:0", "b"])
      #expect(try root.attributes.string("fixed_scalar") == "scalar")
      #expect(try root.attributes.string("space_padded") == "ab")
      #expect(try root.attributes.strings("empty") == [])
      #expect(try root.attributes.info("null").isNull)
      #expect(try root.attributes.integer("int32") == -5)
      #expect(try root.attributes.integers("int64_array") == [1, -2, 3])
      #expect(try root.attributes.double("float32") == Double(Float(0.1)))
      #expect(try root.attributes.integers("big_endian") == [1, 256])
      #expect(try root.attributes.info("big_endian").byteOrder == .bigEndian)
      #expect(try root.attributes.integer("bool") == 1)
      #expect(try root.attributes.info("matrix").shape == [2, 3])
      #expect(try root.attributes.doubles("matrix") == [0, 1, 2, 3, 4, 5])
      #expect(
        try root.attributes.info("complex").elementType == .unsupported("compound of 8 bytes"))
    }
    try file.close()
  }

  @Test(
    "a value of another type or number is refused, and the error names the attribute",
    arguments: [
      ("int32", "expected a text, found int32"), ("null", "expected one value, found shape null"),
      ("variable_array", "expected one value, found shape [3]"),
    ])
  func mismatch(name: String, message: String) throws {
    let file = try HDF5File.open(fixture("attributes.h5"))
    do {
      let root = try file.root()
      let error = hdf5Error { _ = try root.attributes.string(name) }
      #expect(error?.object == "/@\(name)")
      #expect(error?.message == message)
    }
    try file.close()
  }

  @Test("a missing attribute, an integer beyond Int64 and a fraction are errors")
  func noInteger() throws {
    let file = try HDF5File.open(fixture("attributes.h5"))
    do {
      let root = try file.root()
      #expect(hdf5Error { _ = try root.attributes.integer("nowhere") }?.kind == .missing)
      #expect(hdf5Error { _ = try root.attributes.integer("uint64_huge") }?.kind == .typeMismatch)
      #expect(hdf5Error { _ = try root.attributes.integer("float32") }?.kind == .typeMismatch)
      #expect(hdf5Error { _ = try root.attributes.double("complex") }?.kind == .typeMismatch)
    }
    try file.close()
  }

  @Test("datasets have attributes, too")
  func ofDataset() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let dataset = try file.root().createDataset("a/b", .bfloat16, shape: [1])
        try dataset.attributes.setString("bfloat16", for: "dtype", as: .variable(.utf8))
        #expect(try dataset.attributes.string("dtype") == "bfloat16")
        let error = hdf5Error { _ = try dataset.attributes.string("name") }
        #expect(error?.object == "/a/b@name")
      }
      try file.close()
    }
  }
}
