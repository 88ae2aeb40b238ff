import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

extension VerificationTests {
  @Test("what another program writes into the file through libhdf5 is noticed")
  func rewritten() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().attributes.setString("by hand", for: "note") }
    try file.close()
    #expect(try CheckpointReader.verify(path).damaged.map(\.name) == ["digests"])
    // What it did not touch is still checked.
    _ = try CheckpointReader(opening: path).load()
    let again = try HDF5File.openForUpdate(path)
    do {
      let dataset = try again.root().openDataset("model_weights/dense/dense/bias:0")
      let zeros = [Float](repeating: 7, count: dataset.elementCount)
      try zeros.withUnsafeBytes { try dataset.write(from: $0) }
    }
    try again.close()
    try expectDamage(path, ["dense/bias", "digests"])
  }

  @Test("a file whose group is gone, as Keras writes it anew, is not covered")
  func dropped() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().remove("cairn") }
    try file.close()
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && !report.isCovered)
  }

  @Test(
    "a restore into a covered checkpoint leaves it covered and whole, configuration included",
    arguments: profiles.filter { $0.layout != .legacyWeights })
  func restored(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let target = folder.file("target\(profile.layout.fileSuffix)")
    let output = folder.file("output\(profile.layout.fileSuffix)")
    try checkpoint().save(to: target, profile: profile, maximumShardByteCount: 900)
    var other = try checkpoint()
    for index in other.variables.indices {
      other.variables[index].value = Tensor(
        repeating: 0.125, shape: other.variables[index].value.shape)
    }
    other.optimizer?.configuration.learningRate = .constant(0.75)
    let source = folder.file("source.h5")
    try other.save(to: source, profile: Self.whole)
    // Damage that the target brings along must not be covered up.
    let bias = try item("average/dense/bias", of: CheckpointReader.verify(target))
    try flip(bias.file, at: try #require(bias.fileOffset))

    let reader = try CheckpointReader(opening: source)
    let opened = try CheckpointReader(opening: target)
    let plan = RestorePlan(
      source: reader.manifest, target: opened.manifest,
      selection: RestoreSelection(parts: [.weight, .configuration]))
    #expect(!plan.assignments.isEmpty && plan.takesConfiguration)
    try reader.restore(plan, into: opened, writing: output)
    let report = try CheckpointReader.verify(output)
    #expect(report.damaged.map(\.name) == ["average/dense/bias"])
    #expect(report.isCovered)
    #expect(report.roots != (try CheckpointReader.verify(target).roots))
  }

  @Test("a conversion computes digests anew, a verbatim copy keeps them", arguments: profiles)
  func converted(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let input = folder.file("input\(profile.layout.fileSuffix)")
    try checkpoint().reduced(to: profile).checkpoint
      .save(to: input, profile: profile, maximumShardByteCount: 900)
    let copy = folder.file("copy\(profile.layout.fileSuffix)")
    try CheckpointReader(opening: input).convert(to: profile, writing: copy)
    let report = try CheckpointReader.verify(copy)
    #expect(report.isWhole && report.isCovered)
    #expect(report.roots == (try CheckpointReader.verify(input).roots))
    let other = folder.file("other.weights.h5")
    let weights = Profile(dialect: .keras3, layout: .weights)
    try CheckpointReader(opening: input).convert(to: weights, writing: other)
    #expect(try CheckpointReader.verify(other).isCovered)
  }
}
