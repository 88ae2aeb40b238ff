import HDF5
import Testing

@Suite("What leads out of the file is refused")
struct RefusalTests {
  static let links = [
    ("soft", "a soft link to \"/group\""), ("dangling", "a soft link to \"/nowhere\""),
    ("external", "an external link to \"/compact\" in file \"layouts.h5\""),
  ]

  @Test(
    "a soft or external link is not followed, and the error says where it leads", arguments: links)
  func link(name: String, reason: String) throws {
    let file = try HDF5File.open(fixture("links.h5"))
    do {
      let root = try file.root()
      let link = try #require(try root.links().first { $0.name == name })
      #expect(try root.openGroupIfAny(link) == nil)
      for error in [
        hdf5Error { _ = try root.openDataset(name) }, hdf5Error { _ = try root.openGroup(name) },
        hdf5Error { _ = try root.openDataset(link) }, hdf5Error { _ = try root.openGroup(link) },
        hdf5Error { _ = try root.openDataset("\(name)/values") },
        hdf5Error { _ = try root.exists("\(name)/values") },
        hdf5Error { _ = try root.openDataset("hard/parent/\(name)/values") },
      ] {
        #expect(error?.kind == .refused)
        #expect(
          error?.message
            == "expected an object in this file, found \(reason), which is not followed")
      }
      #expect(try root.exists(name))
    }
    try file.close()
  }

  @Test("nothing is created through a link")
  func creation() throws {
    try withTemporaryDirectory { directory in
      let path = directory.path("links.h5")
      try copy(fixture("links.h5"), to: path)
      let file = try HDF5File.openForUpdate(path)
      do {
        let root = try file.root()
        #expect(hdf5Error { _ = try root.createGroup("soft/new") }?.kind == .refused)
        #expect(
          hdf5Error { _ = try root.createDataset("soft/new", .int8, shape: []) }?.kind == .refused)
        #expect(hdf5Error { _ = try root.createGroup("dangling") }?.kind == .alreadyExists)
        #expect(try root.openGroup("group").memberNames() == ["parent", "values"])
      }
      try file.close()
    }
  }

  @Test("external storage and a virtual dataset are not read")
  func storage() throws {
    let file = try HDF5File.open(fixture("links.h5"))
    do {
      let root = try file.root()
      let external = hdf5Error { _ = try root.openDataset("external_storage") }
      #expect(external?.kind == .refused)
      #expect(external?.message.contains("external storage in 1 other file(s)") == true)
      let virtual = hdf5Error { _ = try root.openDataset("virtual") }
      #expect(virtual?.kind == .refused)
      #expect(virtual?.message.contains("virtual dataset") == true)
    }
    try file.close()
  }

  @Test("hard links are followed, also in a circle")
  func hardLinks() throws {
    let file = try HDF5File.open(fixture("links.h5"))
    do {
      let root = try file.root()
      #expect(try root.openDataset("hard/values").elements(Float.self) == [1, 2])
      let circle = try root.openDataset("group/parent/hard/parent/group/values")
      #expect(try circle.elements(Float.self) == [1, 2])
    }
    try file.close()
  }

  @Test("listing shows what each link is and follows none")
  func listing() throws {
    let file = try HDF5File.open(fixture("links.h5"))
    do {
      let members = try file.root().members()
      let kinds = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.kind) })
      #expect(
        kinds == [
          "group": .group, "hard": .group, "named_type": .namedType,
          "external_storage": .dataset, "virtual": .dataset,
          "soft": .refused(Self.links[0].1), "dangling": .refused(Self.links[1].1),
          "external": .refused(Self.links[2].1),
        ])
    }
    try file.close()
  }

  @Test("one object under two names, and a group inside itself, are known by their address")
  func addresses() throws {
    let file = try HDF5File.open(fixture("links.h5"))
    do {
      let root = try file.root()
      let members = try root.members()
      let addresses = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.objectAddress) })
      #expect(addresses["group"] == addresses["hard"])
      #expect(addresses["group"] != addresses["virtual"])
      #expect(addresses["soft"] == .some(nil))
      let inner = try root.openGroup("hard").members()
      let rootAddress = try root.objectAddress()
      #expect(inner.map(\.name) == ["parent", "values"])
      #expect(inner.first?.objectAddress == rootAddress)
    }
    try file.close()
  }
}
