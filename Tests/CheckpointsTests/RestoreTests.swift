import Checkpoints
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("Restoring by name") struct RestoreTests {
  private let source = Fixture.path("keras-2.12/mlp.h5")
  private let target = Fixture.path("keras-3.15/mlp.h5")

  private func plan(only pattern: String?, source: String, target: String) throws -> RestorePlan {
    try RestorePlan(
      source: CheckpointReader(opening: source).manifest,
      target: CheckpointReader(opening: target).manifest, only: pattern.flatMap(Glob.init))
  }

  private func restore(
    only pattern: String?, source: String, target: String, to output: String
  ) throws {
    let reader = try CheckpointReader(opening: source)
    try reader.restore(
      plan(only: pattern, source: source, target: target),
      into: CheckpointReader(opening: target), writing: output)
  }

  @Test("weights, slots and counter cross from Keras 2 to Keras 3; the rate stays where it is kept")
  func everything() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    let before = try [source, target].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    try restore(only: nil, source: source, target: target, to: output)
    let diff = try CheckpointDiff(
      CheckpointReader(opening: source), CheckpointReader(opening: output))
    #expect(diff.items.allSatisfy { $0.outcome.keyword == "equal" })
    #expect(try [source, target].map { try Data(contentsOf: URL(fileURLWithPath: $0)) } == before)
    #expect(try folder.names() == ["out.h5"])
  }

  @Test("a pattern takes what it names and leaves every other byte as in the target")
  func onlySome() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    try restore(only: "accumulator/dense/*", source: source, target: target, to: output)
    let fromTarget = try CheckpointDiff(
      CheckpointReader(opening: target), CheckpointReader(opening: output))
    let changed = fromTarget.items.filter { $0.outcome.keyword != "equal" }.map(\.name)
    #expect(changed == ["accumulator/dense/kernel", "accumulator/dense/bias"])
    let a = try Data(contentsOf: URL(fileURLWithPath: target))
    let b = try Data(contentsOf: URL(fileURLWithPath: output))
    #expect(a.count == b.count)
    #expect(zip(a, b).filter { $0 != $1 }.count <= 4 * (20 * 12 + 12))
  }

  @Test("tensors of other shapes, missing or left over, refuse the whole restore")
  func strictness() throws {
    let folder = try TemporaryDirectory()
    let other = Fixture.path("keras-2.12/flatten.h5")
    let plan = try plan(only: nil, source: other, target: target)
    #expect(!plan.report.isComplete)
    #expect(plan.report.mismatched.contains { $0.name == "dense/kernel" })
    #expect(plan.report.missing.contains { $0.name == "batch_normalization/gamma" })
    let error = try #require(throws: CheckpointError.self) {
      try restore(only: nil, source: other, target: target, to: folder.file("out.h5"))
    }
    #expect(error.kind == .refused)
    #expect(error.report?.missing.isEmpty == false)
    #expect(try folder.names() == [])
  }

  @Test("a pattern that selects nothing is refused")
  func nothingSelected() throws {
    let folder = try TemporaryDirectory()
    let error = try #require(throws: CheckpointError.self) {
      try restore(only: "decoder/*", source: source, target: target, to: folder.file("out.h5"))
    }
    #expect(error.kind == .refused)
  }

  @Test("an input is never the output, whatever it is called")
  func inputAsOutput() throws {
    let folder = try TemporaryDirectory()
    let copy = folder.file("copy.h5")
    let link = folder.file("link.h5")
    try FileManager.default.copyItem(atPath: target, toPath: copy)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: copy)
    let before = try Data(contentsOf: URL(fileURLWithPath: copy))
    for output in [copy, link] {
      #expect(throws: CheckpointError.self) {
        try restore(only: nil, source: source, target: copy, to: output)
      }
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: copy)) == before)
  }

  @Test("a name that is nearly right is suggested")
  func suggestions() throws {
    var manifest = try CheckpointReader(opening: source).manifest
    let entry = manifest.entries[0]
    manifest.entries[0] = CheckpointEntry(
      name: "dense/kernal", role: entry.role, datasetPath: entry.datasetPath, shape: entry.shape,
      dtype: entry.dtype, storedType: entry.storedType, byteCount: entry.byteCount)
    let target = try CheckpointReader(opening: source).manifest
    let report = RestorePlan(source: manifest, target: target).report
    #expect(report.missing.map(\.suggestion) == ["dense/kernal"])
    #expect(report.unused.map(\.name) == ["dense/kernal"])
  }
  @Test("a pattern that names nothing is answered with the layer that was meant")
  func patternSuggestion() throws {
    let report = try plan(only: "dens/*", source: source, target: target).report
    #expect(report.missing.map(\.name) == ["dens/*"])
    #expect(report.missing.map(\.suggestion) == ["dense/*"])
  }
}
