import Foundation
import HDF5
import Testing

func copy(_ source: String, to target: String) throws {
  try FileManager.default.copyItem(atPath: source, toPath: target)
}

@Suite("Opening, creating and closing files")
struct FileTests {
  /// A small file with a group, a dataset and attributes.
  private func writeSample(_ path: String, userBlockByteCount: Int = 0) throws {
    let file = try HDF5File.create(path, userBlockByteCount: userBlockByteCount)
    do {
      let root = try file.root()
      try root.attributes.setString("tensorflow", for: "backend", as: .variable(.utf8))
      let dataset = try root.createDataset("layers/dense/vars/0", .float32, shape: [2, 2])
      try dataset.write([Float(1), 2, 3, 4])
    }
    try file.close()
  }

  /// The error of closing a file.
  private func closingError(_ file: consuming HDF5File) -> HDF5Error? {
    do {
      try file.close()
      return nil
    } catch {
      return error
    }
  }

  @Test("two files of the same content are equal to the byte")
  func deterministic() throws {
    try withTemporaryDirectory { directory in
      try writeSample(directory.path("a.h5"))
      // Object times would be in seconds.
      Thread.sleep(forTimeInterval: 1.1)
      try writeSample(directory.path("b.h5"))
      let first = try Data(contentsOf: URL(filePath: directory.path("a.h5")))
      let second = try Data(contentsOf: URL(filePath: directory.path("b.h5")))
      #expect(first == second)
      // Superblock version 0.
      #expect(first[8] == 0)
    }
  }

  @Test("the byte offset of a dataset is where its bytes are", arguments: [0, 512, 4096])
  func byteOffset(userBlock: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path, userBlockByteCount: userBlock)
      let bytes = try Data(contentsOf: URL(filePath: path))
      #expect(bytes.prefix(userBlock).allSatisfy { $0 == 0 })
      #expect(bytes[userBlock..<userBlock + 4] == Data([0x89, 0x48, 0x44, 0x46]))
      let file = try HDF5File.open(path)
      do {
        let dataset = try file.root().openDataset("layers/dense/vars/0")
        let found = dataset.byteOffset
        let offset = try #require(found)
        let expected = [Float(1), 2, 3, 4].withUnsafeBytes { Data($0) }
        #expect(bytes[offset..<offset + dataset.byteCount] == expected)
      }
      try file.close()
    }
  }

  @Test("a user block of another size is refused", arguments: [-512, 1, 256, 513, 1536])
  func userBlock(size: Int) throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      let error = hdf5Error { _ = try HDF5File.create(path, userBlockByteCount: size) }
      #expect(error?.kind == .invalidArgument)
      #expect(directory.contents() == [])
    }
  }

  @Test("creating never replaces a file")
  func exclusiveCreation() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try Data("mine".utf8).write(to: URL(filePath: path))
      let error = hdf5Error { _ = try HDF5File.create(path) }
      #expect(error?.kind == .alreadyExists)
      #expect(error?.operation == "H5Fcreate")
      #expect(try Data(contentsOf: URL(filePath: path)) == Data("mine".utf8))
      let nowhere = hdf5Error { _ = try HDF5File.create(directory.path("no/where.h5")) }
      #expect(nowhere?.kind == .cannotOpen)
      #expect(nowhere?.message == "No such file or directory")
    }
  }

  @Test("a file opened for update is changed in place")
  func update() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path)
      let file = try HDF5File.openForUpdate(path)
      do {
        let root = try file.root()
        try root.attributes.setInteger(7, for: "iterations")
        try root.openDataset("layers/dense/vars/0").write([Float(5), 6, 7, 8])
      }
      try file.close()
      let again = try HDF5File.open(path)
      do {
        let root = try again.root()
        #expect(try root.attributes.integer("iterations") == 7)
        #expect(try root.openDataset("layers/dense/vars/0").elements(Float.self) == [5, 6, 7, 8])
        let error = hdf5Error { try root.attributes.setInteger(8, for: "iterations") }
        #expect(error?.kind == .library)
      }
      try again.close()
    }
  }

  @Test("a file that is updated is not kept from those who read it, nor they from it")
  func updateBesideReader() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path)
      let reader = try HDF5File.open(path)
      let file = try HDF5File.openForUpdate(path)
      do { try file.root().openDataset("layers/dense/vars/0").write([Float(5), 6, 7, 8]) }
      try file.close()
      // No promise about what it read meanwhile; what it reads from now on is what is there.
      do {
        let dataset = try reader.root().openDataset("layers/dense/vars/0")
        #expect(try dataset.elements(Float.self) == [5, 6, 7, 8])
      }
      try reader.close()
    }
  }

  @Test("closing while an object is open is an error, and leaves nothing open")
  func closeWithOpenObject() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      let file = try HDF5File.create(path)
      let group = try file.root().createGroup("a")
      let dataset = try group.createDataset("b", .int8, shape: [1])
      #expect(try file.openObjectCount() == 2)
      let error = closingError(file)
      #expect(error?.kind == .openObjects)
      #expect(error?.operation == "H5Fclose")
      #expect(error?.message.contains("found 2") == true)
      #expect(OpenIdentifiers.count(inFile: path) == 0)
      // What is left over fails, and harms nobody.
      #expect(hdf5Error { try dataset.write([Int8(1)]) }?.kind == .library)
      #expect(hdf5Error { _ = try group.memberNames() }?.kind == .library)
      try FileManager.default.removeItem(atPath: path)
      try writeSample(path)
    }
  }

  @Test("a handle that has no name is gone with its statement, one with a name with its scope")
  func scopes() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path)
      let file = try HDF5File.open(path)
      #expect(try file.root().attributes.string("backend") == "tensorflow")
      try file.close()
      let again = try HDF5File.open(path)
      let root = try again.root()
      #expect(try root.memberNames() == ["layers"])
      #expect(closingError(again)?.kind == .openObjects)
    }
  }

  @Test("a file that goes out of scope is closed, with what is open in it")
  func droppedFile() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path)
      let group = try HDF5File.open(path).root()
      #expect(OpenIdentifiers.count(inFile: path) == 0)
      #expect(hdf5Error { _ = try group.memberNames() }?.kind == .library)
      do { _ = try HDF5File.open(path) }
      #expect(OpenIdentifiers.count(inFile: path) == 0)
    }
  }

  @Test("a file may be open twice for reading")
  func openTwice() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("a.h5")
      try writeSample(path)
      let first = try HDF5File.open(path)
      let second = try HDF5File.open(path)
      do {
        let group = try second.root()
        #expect(try first.openObjectCount() == 0)
        try first.close()
        #expect(try group.memberNames() == ["layers"])
      }
      try second.close()
    }
  }
}
