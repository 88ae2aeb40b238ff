import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import TestSupport
import Testing

@Suite("Rewriting without change") struct VerbatimTests {
  @Test(
    "a conversion into the profile that a file has keeps all of it, the unknown too",
    arguments: [
      ("keras-2.12/mlp.h5", "keras2-h5"), ("keras-2.12/mlp.weights.h5", "keras2-weights"),
      ("keras-3.15/mlp.h5", "keras3-h5"), ("keras-3.15/mlp.weights.h5", "keras3-weights"),
    ])
  func files(name: String, profile: String) throws {
    let folder = try TemporaryDirectory()
    let (input, output) = (folder.file("in.h5"), folder.file("out.h5"))
    try FileManager.default.copyItem(atPath: Fixture.path(name), toPath: input)
    let file = try HDF5File.openForUpdate(input)
    do {
      let group = try file.root().createGroup("mine")
      try group.attributes.setString("kept", for: "note")
    }
    try file.close()
    let losses = try CheckpointReader(opening: input).convert(
      to: #require(Profile(name: profile)), writing: output)
    #expect(losses.isEmpty)
    #expect(FileManager.default.contentsEqual(atPath: input, andPath: output))
  }

  @Test("a folder keeps its assets, sharded weights keep every shard")
  func severalFiles() throws {
    let folder = try TemporaryDirectory()
    let input = folder.file("in")
    try FileManager.default.copyItem(
      atPath: Fixture.path("keras-3.15/mlp_ema.directory"), toPath: input)
    try FileManager.default.createDirectory(
      atPath: "\(input)/assets/layers", withIntermediateDirectories: true)
    try Data("a\nb\n".utf8).write(to: URL(fileURLWithPath: "\(input)/assets/layers/words.txt"))
    try CheckpointReader(opening: input).convert(
      to: Profile(dialect: .keras3, layout: .directory), writing: folder.file("out"))
    #expect(FileManager.default.contentsEqual(atPath: input, andPath: folder.file("out")))

    let map = Fixture.path("keras-3.15/mlp_ema.weights.json")
    try CheckpointReader(opening: map).convert(
      to: Profile(dialect: .keras3, layout: .sharded), writing: folder.file("x.weights.json"))
    for index in 0..<3 {
      #expect(
        FileManager.default.contentsEqual(
          atPath: Fixture.path("keras-3.15/mlp_ema_0000\(index).weights.h5"),
          andPath: folder.file("x_0000\(index).weights.h5")))
    }
    #expect(
      try CheckpointDiff(
        CheckpointReader(opening: map), CheckpointReader(opening: folder.file("x.weights.json"))
      ).isEmpty)
  }
}
