import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Outlines of files") struct OutlineTests {
  static let profiles = [
    Profile(dialect: .keras2, layout: .weights), Profile(dialect: .tfKeras, layout: .weights),
    Profile(dialect: .keras3, layout: .weights), Profile(dialect: .keras2, layout: .archive),
    Profile(dialect: .keras3, layout: .archive), Profile(dialect: .keras3, layout: .directory),
    Profile(dialect: .keras3, layout: .sharded), Profile(dialect: .keras2, layout: .wholeModel),
    Profile(dialect: .keras2, layout: .legacyWeights),
  ]

  private static func checkpoint(_ fixture: String = "mlp_ema") throws -> Checkpoint {
    var checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/\(fixture)").wholeModel
    ).load()
    checkpoint.resumption = ResumptionRecord(
      json: ["epoch": 3], arrays: [("history", Tensor([1.0, 2, 3]))])
    return checkpoint
  }

  private func save(_ profile: Profile, in folder: borrowing TemporaryDirectory) throws -> String {
    let path = folder.file("x")
    var checkpoint = try Self.checkpoint()
    if profile.layout == .legacyWeights { checkpoint.optimizer = nil }
    try checkpoint.save(to: path, profile: profile)
    return path
  }

  /// Whether the file is read by its outline.
  private func isOutlined(_ path: String) throws -> Bool {
    try CheckpointReader(opening: path).storage.files.allSatisfy { $0.outline != nil }
  }

  /// What libhdf5 tells.
  private func walked(_ path: String) throws -> CheckpointManifest {
    let reader = try CheckpointReader(opening: path, verifying: false)
    #expect(reader.storage.files.allSatisfy { $0.outline == nil })
    return reader.manifest
  }

  private func expectEqual(_ a: CheckpointManifest, _ b: CheckpointManifest) {
    #expect(!a.entries.isEmpty && a.entries == b.entries)
    #expect(a.notes == b.notes && a.layout == b.layout && a.dialect == b.dialect)
    #expect(a.optimizer?.iterations == b.optimizer?.iterations && a.frozen == b.frozen)
  }

  @Test("an outline tells what libhdf5 tells, in every layout", arguments: profiles)
  func equality(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = try save(profile, in: folder)
    #expect(try isOutlined(path))
    expectEqual(try CheckpointReader(opening: path).manifest, try walked(path))
  }

  @Test("every dataset and every group of a file stands in its outline, and nothing else")
  func completeness() throws {
    let folder = try TemporaryDirectory()
    let path = try save(Profile(dialect: .keras3, layout: .weights), in: folder)
    let reader = try CheckpointReader(opening: path)
    let file = try #require(reader.storage.files.first)
    var count = 0
    func compare(_ outlined: borrowing StoredGroup, _ stored: borrowing HDF5Group) throws {
      // The table has no record of itself.
      let members = try stored.members().filter { "\(stored.path)/\($0.name)" != "/cairn/digests" }
      let links = try outlined.links()
      #expect(links.map(\.name) == members.map(\.name), "\(stored.path)")
      for (link, member) in zip(links, members) {
        count += 1
        if member.kind == .group {
          try compare(try outlined.openGroup(link), try stored.openGroup(member.name))
        } else {
          let dataset = try stored.openDataset(member.name)
          #expect(
            try outlined.entry(of: link, name: "x", role: .other)
              == CheckpointEntry(dataset, name: "x", role: .other))
        }
      }
    }
    let outlined = try StoredGroup(rootOf: file)
    try compare(outlined, try file.file.root())
    #expect(count > 20)
  }

  @Test("groups without datasets stand in an outline, and those with some do not")
  func emptyGroups() {
    var plan = FilePlan()
    plan.groups = ["", "a/b", "a/b/empty", "other/empty", "other"].map { .init(path: $0) }
    plan.datasets = [
      .init(path: "a/b/c", value: Tensor([1.0])), .init(path: "d", value: Tensor([1.0])),
    ]
    #expect(Outline(of: plan).emptyGroups == ["/a/b/empty", "/other/empty", "/other"])
  }

  @Test("an outline of another structure is not believed")
  func otherStructure() throws {
    let folder = try TemporaryDirectory()
    let path = try save(Profile(dialect: .keras3, layout: .weights), in: folder)
    let content = try FileContent(path, window: nil)
    let table = try #require(try DigestTable(of: content, path: path))
    #expect(OutlinedTree(table, contentAt: 0) != nil)
    var changed = table
    // As it is when somebody has changed the structure, and taken its digest.
    changed.setDigest(0, [1, 2, 3, 4])
    #expect(OutlinedTree(changed, contentAt: 0) == nil)
  }

  @Test("an outline whose shapes disagree with the records is not believed")
  func otherShapes() throws {
    var plan = FilePlan()
    plan.digests = .crc32c
    plan.datasets = [.init(path: "d", value: Tensor([1.0, 2]))]
    var larger = plan
    larger.datasets = [.init(path: "d", value: Tensor([1.0, 2, 3]))]
    func table(_ outline: Outline) -> DigestTable {
      let table = DigestTable(.crc32c, of: plan)
      return DigestTable(
        algorithm: .crc32c, contentByteCount: 0, offset: 0, records: table.records,
        digests: table.digests, outline: outline)
    }
    #expect(OutlinedTree(table(Outline(of: plan)), contentAt: 0) != nil)
    #expect(OutlinedTree(table(Outline(of: larger)), contentAt: 0) == nil)
  }

  @Test("what another program writes into the file through libhdf5 ends its outline")
  func rewritten() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x")
    var checkpoint = try Self.checkpoint()
    checkpoint.optimizer = nil
    try checkpoint.save(to: path, profile: Profile(dialect: .keras3, layout: .weights))
    let file = try HDF5File.openForUpdate(path)
    do {
      let name = try #require(try walked(path).entries.first).datasetPath
      try file.root().remove(name)
      _ = try file.root().createDataset(name, .float64, shape: [2, 3])
    }
    try file.close()
    let first = try walked(path).entries[0]
    #expect(first.dtype == .float64 && first.shape == [2, 3])
    let reader = try CheckpointReader(opening: path)
    #expect(reader.storage.files.allSatisfy { $0.outline == nil })
    #expect(reader.manifest.entries == (try walked(path).entries))
  }

  @Test("a restore that changes texts ends the outline of the file, one of tensors does not")
  func restored() throws {
    let folder = try TemporaryDirectory()
    let target = try save(Profile(dialect: .keras3, layout: .weights), in: folder)
    var other = try Self.checkpoint()
    other.optimizer?.configuration.learningRate = .constant(0.5)
    let source = folder.file("source")
    try other.save(to: source, profile: Profile(dialect: .keras3, layout: .weights))
    for (part, isOutlined) in [(RestoreSelection.Part.slot, true), (.configuration, false)] {
      let output = folder.file("restored-\(part)")
      let plan = try RestorePlan(
        source: CheckpointReader(opening: source).manifest,
        target: CheckpointReader(opening: target).manifest,
        selection: RestoreSelection(parts: [part]))
      try CheckpointReader(opening: source).restore(
        plan, into: CheckpointReader(opening: target), writing: output)
      #expect(try self.isOutlined(output) == isOutlined, "\(part)")
      expectEqual(try CheckpointReader(opening: output).manifest, try walked(output))
      #expect(try CheckpointReader.verify(output).isWhole)
    }
  }
}
