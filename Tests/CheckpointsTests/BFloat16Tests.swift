import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("bfloat16 in files") struct BFloat16Tests {
  private static let archive = Fixture.path("matrix/keras-3.15/bfloat16.keras")
  private static let readable = Profile.all.filter(\.readsBFloat16)
  private static let others = Profile.all.filter { !$0.readsBFloat16 }

  /// By path: element type and the attribute `dtype` of every dataset below a group of an HDF5 file.
  private func types(_ path: String, below groups: [String]) throws -> [String: String] {
    let file = try HDF5File.open(path)
    var types: [String: String] = [:]
    for group in groups { try collect(file.root().openGroup(group), into: &types) }
    return types
  }

  private func collect(
    _ group: borrowing HDF5Group, into types: inout [String: String]
  ) throws {
    for member in try group.members() {
      guard member.kind == .dataset else {
        try collect(group.openGroup(member.name), into: &types)
        continue
      }
      let dataset = try group.openDataset(member.name)
      let names = try dataset.attributes.names().sorted()
      let attributes = try names.map { "@\($0)=\(try dataset.attributes.string($0))" }
      types[dataset.path] = "\(dataset.elementType)\(attributes.joined())"
    }
  }

  @Test("native is what Keras 3 itself writes: types and attributes of every dataset")
  func likeKeras() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.weights.h5")
    try CheckpointReader(opening: Self.archive).convert(
      to: Profile(dialect: .keras3, layout: .weights), writing: output, bfloat16: .native)
    let groups = ["layers", "optimizer"]
    let expected = try types(
      Fixture.path("matrix/keras-3.15/bfloat16.weights.h5"), below: groups)
    #expect(expected["/layers/dense/vars/0"] == "bfloat16@dtype=bfloat16")
    #expect(expected["/optimizer/vars/0"] == "int64")
    #expect(try types(output, below: groups) == expected)
  }

  @Test("native keeps every bit there and back", arguments: readable)
  func native(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let (there, back) = (
      folder.file("there\(profile.layout.fileSuffix)"), folder.file("back.keras")
    )
    let original = try CheckpointReader(opening: Self.archive)
    try original.convert(
      to: profile, writing: there, maximumShardByteCount: 64, bfloat16: .native)
    let converted = try CheckpointReader(opening: there)
    #expect(!converted.manifest.notes.contains { $0.contains("bfloat16") })
    try converted.convert(
      to: Profile(dialect: .keras3, layout: .archive), writing: back, bfloat16: .native)
    let expected = try original.load()
    for found in [try converted.load(), try CheckpointReader(opening: back).load()] {
      #expect(expected.variables.allSatisfy { $0.value.dtype == .bfloat16 })
      #expect(
        zip(found.variables, expected.variables).allSatisfy { $0.value.isIdentical(to: $1.value) })
      let slots = (found.optimizer!.slots, expected.optimizer!.slots)
      #expect(slots.0.count == slots.1.count && !slots.0.isEmpty)
      #expect(zip(slots.0, slots.1).allSatisfy { $0.value.isIdentical(to: $1.value) })
    }
  }

  @Test("unless asked for, it is float32 of the same values", arguments: Profile.all)
  func portable(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(opening: Self.archive)
    let output = folder.file("out\(profile.layout.fileSuffix)")
    // The file's own profile is copied unless a storage is asked for.
    try original.convert(
      to: profile, writing: output, acceptingLoss: true,
      bfloat16: profile == Profile(dialect: .keras3, layout: .archive) ? .float32 : nil)
    let (found, expected) = (
      try CheckpointReader(opening: output).load(), try original.load()
    )
    #expect(found.variables.count == expected.variables.count)
    for (variable, other) in zip(found.variables, expected.variables) {
      #expect(variable.value.isIdentical(to: other.value.converted(to: .float32)))
    }
    for (slot, other) in zip(found.optimizer?.slots ?? [], expected.optimizer!.slots) {
      #expect(slot.value.isIdentical(to: other.value.converted(to: .float32)))
    }
  }

  @Test("a file of the profile is copied with what it has, whatever that is")
  func copied() throws {
    let folder = try TemporaryDirectory()
    for storage in [nil, BFloat16Storage.native] {
      let output = folder.file("\(storage?.rawValue ?? "default").keras")
      try CheckpointReader(opening: Self.archive).convert(
        to: Profile(dialect: .keras3, layout: .archive), writing: output, bfloat16: storage)
      #expect(FileManager.default.contentsEqual(atPath: output, andPath: Self.archive))
    }
  }

  @Test(
    "native is refused where Keras could not read it back, before anything is written",
    arguments: others)
  func refusal(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out\(profile.layout.fileSuffix)")
    let reader = try CheckpointReader(opening: Self.archive)
    let converting = try #require(throws: CheckpointError.self) {
      try reader.convert(
        to: profile, writing: output, acceptingLoss: true, bfloat16: .native)
    }
    let saving = try #require(throws: CheckpointError.self) {
      try reader.load().save(to: output, profile: profile, bfloat16: .native)
    }
    for error in [converting, saving] {
      #expect(error.kind == .unsupported)
      #expect(error.problem.contains("keras3-weights") && error.problem.contains(profile.name))
    }
    #expect(try folder.names() == [])
  }
}
