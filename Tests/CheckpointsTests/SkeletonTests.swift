import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@Suite("Skeletons of files") struct SkeletonTests {
  private static let profiles = Profile.all.filter {
    ![.sharded, .directory].contains($0.layout)
  }

  private func checkpoint() throws -> Checkpoint {
    try CheckpointReader(opening: KerasFixture("keras-3.15/mlp_ema").wholeModel).load()
  }

  /// The same with other numbers.
  private func changed(_ checkpoint: Checkpoint) -> Checkpoint {
    var changed = checkpoint
    for index in changed.variables.indices {
      let value = changed.variables[index].value
      changed.variables[index].value = Tensor(repeating: Double(index), shape: value.shape)
    }
    changed.optimizer?.iterations += 1
    return changed
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test(
    "a kept skeleton with other numbers is the file of a fresh layout, byte for byte",
    arguments: profiles)
  func sameBytes(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let first = try checkpoint()
    let second = changed(first)
    let kept = KeptSkeleton()
    try first.save(to: folder.file("first"), profile: profile, reusing: kept)
    try second.save(to: folder.file("second"), profile: profile, reusing: kept)
    try second.save(to: folder.file("fresh"), profile: profile)
    #expect(try bytes(folder.file("second")) == bytes(folder.file("fresh")))
    #expect(try bytes(folder.file("first")) != bytes(folder.file("second")))
  }

  @Test("a record of the run that grew, and another step, need no new layout")
  func grownRecord() throws {
    let folder = try TemporaryDirectory()
    let profile = Profile(dialect: .keras3, layout: .weights)
    let kept = KeptSkeleton()
    var checkpoint = try checkpoint()
    for length in [1, 2, 900] {
      let text = String(repeating: "x", count: length)
      checkpoint.resumption = ResumptionRecord(json: .string(text), arrays: [])
      let path = folder.file("\(length)")
      try checkpoint.save(to: path, profile: profile, reusing: kept)
      #expect(try CheckpointReader(opening: path).manifest.resumption?.json == .string(text))
    }
    #expect(kept.layoutCount == 1)
  }

  @Test(
    "of many tensors, those written while the file is laid out are where one thread writes them",
    arguments: profiles)
  func early(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try Checkpoint(
      dense: (0..<200).map { 8 + $0 % 32 }, inputs: 5, dialect: profile.dialect)
    try checkpoint.save(to: folder.file("one"), profile: profile, threadCount: 1)
    try checkpoint.save(to: folder.file("two"), profile: profile, threadCount: 2)
    #expect(try bytes(folder.file("two")) == bytes(folder.file("one")))
    let loaded = try CheckpointReader(opening: folder.file("two")).load()
    for (a, b) in zip(loaded.variables, checkpoint.variables) {
      #expect(a.value.isIdentical(to: b.value))
    }
  }

  @Test("a checkpoint of another structure is laid out anew")
  func otherStructure() throws {
    let folder = try TemporaryDirectory()
    let kept = KeptSkeleton()
    var checkpoint = try checkpoint()
    let profile = Profile(dialect: .keras3, layout: .weights)
    try checkpoint.save(to: folder.file("first"), profile: profile, reusing: kept)
    checkpoint.optimizer?.configuration.learningRate = .constant(0.125)
    try checkpoint.save(to: folder.file("rate"), profile: profile, reusing: kept)
    try checkpoint.save(to: folder.file("fresh"), profile: profile)
    #expect(try bytes(folder.file("rate")) == bytes(folder.file("fresh")))
    checkpoint.optimizer = nil
    try checkpoint.save(to: folder.file("weights"), profile: profile, reusing: kept)
    #expect(
      try CheckpointReader(opening: folder.file("weights")).manifest.entries.count
        == checkpoint.variables.count)
  }

  @Test("tensors of more than 2 KiB begin at multiples of 64 bytes", arguments: profiles)
  func alignment(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    try Checkpoint(dense: [777, 33, 601], inputs: 5).save(
      to: folder.file("x"), profile: profile)
    let entries = try CheckpointReader(opening: folder.file("x")).manifest.entries
    let large = entries.filter { $0.byteCount > 2048 }
    #expect(large.count == 5)
    for entry in large { #expect(try #require(entry.byteOffset).isMultiple(of: 64)) }
  }

  @Test("what entries say of their places in the file is where the bytes are", arguments: profiles)
  func places(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try checkpoint()
    try checkpoint.save(to: folder.file("x"), profile: profile)
    let content = try bytes(folder.file("x"))
    let entries = try CheckpointReader(opening: folder.file("x")).manifest.entries
    for variable in checkpoint.variables {
      let entry = try #require(entries.first { $0.role == .weight(variable.id) })
      let offset = try #require(entry.byteOffset)
      #expect(
        content[offset..<offset + entry.byteCount] == variable.value.withUnsafeBytes { Data($0) })
    }
  }
}

@Suite("Loading into memory that is there") struct LoadingIntoTests {
  private func address(_ tensor: Tensor) -> UnsafeRawPointer? {
    tensor.withUnsafeBytes { $0.baseAddress }
  }

  private func open() throws -> CheckpointReader {
    try CheckpointReader(opening: KerasFixture("keras-3.15/mlp_ema").wholeModel)
  }

  @Test("equal variables and slots keep their memory and get the file's numbers")
  func sameMemory() throws {
    let reader = try open()
    let original = try reader.load()
    var checkpoint = try reader.load()
    for index in checkpoint.variables.indices {
      checkpoint.variables[index].value.withUnsafeMutableBytes { $0.copyBytes(from: [7]) }
    }
    let addresses =
      checkpoint.variables.map { address($0.value) }
      + checkpoint.optimizer!.slots.map { address($0.value) }
    try reader.load(into: &checkpoint)
    let loaded =
      checkpoint.variables.map(\.value) + checkpoint.optimizer!.slots.map(\.value)
    #expect(loaded.map(address) == addresses)
    let expected = original.variables.map(\.value) + original.optimizer!.slots.map(\.value)
    #expect(loaded.count == expected.count)
    for (a, b) in zip(loaded, expected) { #expect(a.isIdentical(to: b)) }
    #expect(checkpoint.optimizer?.configuration == original.optimizer?.configuration)
  }

  @Test("a snapshot of what is loaded into stays as it was")
  func snapshot() throws {
    let reader = try open()
    var checkpoint = try reader.load()
    checkpoint.variables[0].value = Tensor(
      repeating: 3, shape: checkpoint.variables[0].value.shape)
    let snapshot = checkpoint
    try reader.load(into: &checkpoint)
    #expect(snapshot.variables[0].value.elements(of: Float.self).allSatisfy { $0 == 3 })
    #expect(!checkpoint.variables[0].value.isIdentical(to: snapshot.variables[0].value))
  }

  @Test("a checkpoint of another model becomes the file's, whatever it was")
  func otherModel() throws {
    let reader = try open()
    let expected = try reader.load()
    var checkpoint = Checkpoint(
      model: nil,
      variables: [
        Variable(id: expected.variables[0].id, name: "x", value: Tensor(zeros: [3]))
      ])
    try reader.load(into: &checkpoint)
    #expect(checkpoint.variables.map(\.name) == expected.variables.map(\.name))
    for (a, b) in zip(checkpoint.variables, expected.variables) {
      #expect(a.value.isIdentical(to: b.value))
    }
  }
}
