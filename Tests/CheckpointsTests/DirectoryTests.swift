import Checkpoints
import Foundation
import KerasConfiguration
import TestSupport
import Testing

@Suite("Folders") struct DirectoryTests {
  private let profile = Profile(dialect: .keras3, layout: .directory)
  private let original = Fixture.path("keras-3.15/mlp_ema.h5")

  private func save(to path: String, replacing: Bool = false) throws {
    try CheckpointReader(opening: original).load()
      .save(to: path, profile: profile, replacing: replacing)
  }

  @Test("what Keras wrote holds what its whole-model file holds")
  func keras() throws {
    let reader = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.directory"))
    #expect(reader.manifest.layout == .directory)
    #expect(reader.manifest.kerasVersion == "3.15.1")
    let diff = try CheckpointDiff(CheckpointReader(opening: original), reader)
    #expect(diff.items.count == 22)
    #expect(diff.items.allSatisfy { $0.outcome.keyword == "equal" })
    #expect(try reader.load().optimizer?.slots.count == 12)
  }

  @Test("what is saved is what is loaded, and nothing else stands beside it")
  func roundTrip() throws {
    let folder = try TemporaryDirectory()
    try save(to: folder.file("model/"))
    #expect(try folder.names() == ["model"])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("model")).sorted()
        == ["config.json", "metadata.json", "model.weights.h5"])
    let diff = try CheckpointDiff(
      CheckpointReader(opening: original), CheckpointReader(opening: folder.file("model")))
    #expect(diff.isEmpty && diff.items.count == 22)
  }

  @Test("only a checkpoint's folder is ever replaced, and only when that is asked for")
  func replacing() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("model")
    try save(to: path)
    let error = try #require(throws: CheckpointError.self) { try save(to: path) }
    #expect(error.kind == .outputExists)
    try save(to: path, replacing: true)
    #expect(try folder.names() == ["model"])

    try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(path)/notes.txt"))
    #expect(throws: CheckpointError.self) { try save(to: path, replacing: true) }
    #expect(try folder.names() == ["model"])
    #expect(try String(contentsOfFile: "\(path)/notes.txt", encoding: .utf8) == "mine")
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.file("file")))
    #expect(throws: CheckpointError.self) {
      try save(to: folder.file("file"), replacing: true)
    }
    #expect(try folder.names() == ["file", "model"])
  }

  @Test("what is restored into a folder keeps its other files byte for byte")
  func restoring() throws {
    let folder = try TemporaryDirectory()
    let target = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.directory"))
    let source = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp.h5"))
    let plan = RestorePlan(
      source: source.manifest, target: target.manifest, only: Glob("*kernel"))
    // The averages have kernels, too, which the source lacks.
    #expect(!plan.report.isComplete)
    let selection = try RestoreSelection(
      only: [#require(Glob("*kernel"))], excluding: [#require(Glob("average/*"))])
    let narrower = RestorePlan(
      source: source.manifest, target: target.manifest, selection: selection)
    try source.restore(narrower, into: target, writing: folder.file("out"))
    for name in ["config.json", "metadata.json"] {
      #expect(
        FileManager.default.contentsEqual(
          atPath: "\(folder.file("out"))/\(name)", andPath: "\(target.path)/\(name)"))
    }
    let changed = try CheckpointDiff(target, CheckpointReader(opening: folder.file("out"))).items
      .filter { $0.outcome.keyword != "equal" }.map(\.name).sorted()
    #expect(
      changed == [
        "accumulator/dense/kernel", "accumulator/dense_1/kernel", "dense/kernel", "dense_1/kernel",
      ])
  }
}
