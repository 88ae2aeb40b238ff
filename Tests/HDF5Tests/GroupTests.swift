import HDF5
import Testing

@Suite("Groups and paths")
struct GroupTests {
  @Test("members are listed in numeric-aware order with their kinds")
  func order() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        for name in ["dense_10", "dense", "dense_2", "batch", "dense_1"] {
          _ = try root.createGroup(name)
        }
        for index in 0..<12 { _ = try root.createDataset("vars/\(index)", .int8, shape: []) }
        #expect(
          try root.memberNames() == ["batch", "dense", "dense_1", "dense_2", "dense_10", "vars"])
        let vars = try root.openGroup("vars")
        #expect(try vars.memberNames() == (0..<12).map { "\($0)" })
        #expect(try vars.members().map(\.kind) == Array(repeating: .dataset, count: 12))
        #expect(try root.members().map(\.kind) == Array(repeating: .group, count: 6))
      }
      try file.close()
    }
  }

  @Test("a path is relative, absolute or the group itself")
  func paths() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        _ = try root.createDataset("a/b/c:0", .int8, shape: [])
        let group = try root.openGroup("a")
        #expect(group.path == "/a")
        #expect(try group.openDataset("b/c:0").path == "/a/b/c:0")
        #expect(try group.openDataset("./b//c:0").path == "/a/b/c:0")
        #expect(try group.openDataset("/a/b/c:0").path == "/a/b/c:0")
        #expect(try group.openGroup(".").path == "/a")
        #expect(try group.openGroup("/").path == "/")
        for path in ["b/c:0", "/a/b", "."] { #expect(try group.exists(path)) }
        for path in ["c", "x/y", "b/c:0/d"] { #expect(try !group.exists(path)) }
        // A combining mark after the slash makes it another character, but not another byte.
        _ = try root.createGroup("x/\u{301}y")
        #expect(try root.openGroup("x").memberNames() == ["\u{301}y"])
      }
      try file.close()
    }
  }

  @Test("a link opens what its name opens, and nothing of another kind")
  func links() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("a.h5"))
      do {
        let root = try file.root()
        _ = try root.createDataset("a/data", .int8, shape: [3])
        _ = try root.createGroup("a/group/inner")
        let group = try root.openGroup("a")
        let links = try group.links()
        #expect(links.map(\.name) == ["data", "group"])
        let dataset = try group.openDataset(links[0])
        #expect(dataset.path == "/a/data")
        #expect(dataset.shape == [3])
        let inner = try group.openGroup(links[1])
        #expect(inner.path == "/a/group")
        #expect(try inner.memberNames() == ["inner"])
        #expect(try group.openGroupIfAny(links[0]) == nil)
        #expect(try group.openGroupIfAny(links[1])?.path == "/a/group")
        let error = hdf5Error { _ = try group.openGroup(links[0]) }
        #expect(error?.kind == .wrongKind)
        #expect(error?.object == "/a/data")
        #expect(error?.message == "expected a group, found a dataset")
      }
      try file.close()
    }
  }

  @Test("a missing object, or one below a dataset, is missing", arguments: ["b", "x/y", "a/b"])
  func missing(path: String) throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("f.h5"))
      do {
        let root = try file.root()
        _ = try root.createDataset("a", .int8, shape: [])
        let error = hdf5Error { _ = try root.openDataset(path) }
        #expect(error?.kind == .missing)
        #expect(error?.message == "there is no such object")
        #expect(error?.file == directory.path("f.h5"))
      }
      try file.close()
    }
  }

  @Test("an object of another kind is refused, and both kinds are named")
  func wrongKind() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("f.h5"))
      do {
        let root = try file.root()
        _ = try root.createDataset("data", .int8, shape: [])
        let group = hdf5Error { _ = try root.openGroup("data") }
        #expect(group?.kind == .wrongKind)
        #expect(group?.message == "expected a group, found a dataset")
        let dataset = hdf5Error { _ = try root.openDataset("/") }
        #expect(dataset?.message == "expected a dataset, found a group")
        let parent = hdf5Error { _ = try root.createGroup("data/below") }
        #expect(parent?.kind == .wrongKind)
        #expect(parent?.object == "/data")
      }
      try file.close()
    }
  }

  @Test("what exists is not created again")
  func alreadyExists() throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("f.h5"))
      do {
        let root = try file.root()
        _ = try root.createGroup("a/b")
        #expect(hdf5Error { _ = try root.createGroup("a") }?.kind == .alreadyExists)
        #expect(hdf5Error { _ = try root.createGroup("/") }?.kind == .alreadyExists)
        let error = hdf5Error { _ = try root.createDataset("a/b", .int8, shape: []) }
        #expect(error?.kind == .alreadyExists)
      }
      try file.close()
    }
  }

  @Test("an empty name and one with a NUL byte are refused", arguments: ["", "a\0b"])
  func invalidNames(name: String) throws {
    try withTemporaryDirectory { directory in
      let file = try HDF5File.create(directory.path("f.h5"))
      do {
        let root = try file.root()
        _ = try root.createGroup("a")
        #expect(hdf5Error { _ = try root.openGroup(name) }?.kind == .invalidArgument)
        #expect(hdf5Error { _ = try root.createGroup(name) }?.kind == .invalidArgument)
      }
      try file.close()
    }
  }
}
