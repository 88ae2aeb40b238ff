import Checkpoints
import Foundation
import HDF5
import TestSupport
import Testing

@Suite("Files that cannot be read") struct DamagedFilesTests {
  private func expectRefusal(
    of path: String, _ kind: CheckpointError.Kind, naming words: String
  ) throws {
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path)
    }
    #expect(error.kind == kind)
    #expect("\(error)".contains(words))
    #expect("\(error)".contains(path))
    #expect(!"\(error)".contains("\n"))
  }

  @Test("no file, a folder, a text, an empty file")
  func notHDF5() throws {
    let folder = try TemporaryDirectory()
    try expectRefusal(of: folder.file("none.h5"), .unreadable, naming: "No such file")
    try expectRefusal(of: folder.path, .unreadable, naming: "directory")
    for (name, content) in [("text.h5", "hello"), ("empty.h5", "")] {
      try Data(content.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
      try expectRefusal(of: folder.file(name), .unreadable, naming: "HDF5")
    }
  }

  @Test("a file cut short anywhere is refused, never read in part")
  func truncated() throws {
    let folder = try TemporaryDirectory()
    let whole = try Data(
      contentsOf: URL(fileURLWithPath: Fixture.path("keras-2.12/mlp.h5")))
    for share in 0..<20 {
      let path = folder.file("cut-\(share).h5")
      try whole.prefix(whole.count * share / 20).write(to: URL(fileURLWithPath: path))
      #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
    }
  }

  @Test("an HDF5 file without a Keras layout")
  func unrecognized() throws {
    try expectRefusal(of: Fixture.path("digits.h5"), .unrecognized, naming: "Keras checkpoint")
  }

  @Test(
    "a whole-model file without one of its groups or names",
    arguments: [
      "model_weights/dense", "model_weights/dense/dense/kernel:0",
      "optimizer_weights/Adagrad/accumulator/dense/kernel:0",
    ])
  func missingObject(object: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try FileManager.default.copyItem(atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: path)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().remove(object) }
    try file.close()
    try expectRefusal(of: path, .unreadable, naming: object)
  }

  @Test("a configuration that is no JSON names the place")
  func brokenConfiguration() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try FileManager.default.copyItem(atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: path)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().attributes.setString("{\"class_name\": ", for: "model_config") }
    try file.close()
    try expectRefusal(of: path, .unreadable, naming: "JSON")
  }

  @Test("a file of a later version of Cairn is refused, not misread")
  func laterVersion() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try FileManager.default.copyItem(atPath: Fixture.path("keras-2.12/mlp.h5"), toPath: path)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().createGroup("cairn").attributes.setInteger(3, for: "format_version") }
    try file.close()
    try expectRefusal(of: path, .unsupported, naming: "format_version")
  }
}
