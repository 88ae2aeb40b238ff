import Foundation
import TestSupport
import Testing

@Suite("outputs")
struct OutputTests {
  private func folderWithData() throws -> TemporaryDirectory {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"))
    return folder
  }

  @Test("an existing file is replaced only with --force", arguments: ["--output", "--history"])
  func existing(option: String) throws {
    let folder = try folderWithData()
    let path = folder.file("out.h5")
    try "mine".write(toFile: path, atomically: false, encoding: .utf8)
    let arguments = ["train", folder.file("data.h5"), "--epochs", "1", option, path]
    expectTrouble(try BuiltProduct.cairn.run(arguments), path, "--force")
    #expect(try text(of: path) == "mine")
    expectSuccess(try BuiltProduct.cairn.run(arguments + ["--force"]))
    #expect(try contents(of: path) != Data("mine".utf8))
  }

  @Test("no input is ever replaced, by whatever name and even with --force")
  func inputs() throws {
    let folder = try folderWithData()
    let (data, model) = (folder.file("data.h5"), folder.file("model.h5"))
    expectSuccess(try cairn("train", data, "--epochs", "1", "--output", model))
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("link.h5"), withDestinationPath: model)
    let before = try snapshot(of: folder.path)
    for output in [data, model, folder.file("link.h5"), folder.file("./data.h5")] {
      for option in ["--output", "--history"] {
        expectTrouble(
          try cairn("train", data, "--epochs", "1", "--model", model, option, output, "--force"),
          output)
      }
      expectTrouble(
        try cairn("predict", data, "--model", model, "--output", output, "--force"), output)
    }
    let other = folder.file("other.h5")
    expectTrouble(
      try cairn("train", data, "--epochs", "1", "--output", other, "--history", other), other)
    #expect(try snapshot(of: folder.path) == before)
  }

  @Test("names that no layout has are refused", arguments: ["m.zip", "m", "m.h5.txt", "m.csv"])
  func suffix(name: String) throws {
    let folder = try folderWithData()
    expectTrouble(
      try cairn("train", folder.file("data.h5"), "--epochs", "1", "--output", folder.file(name)),
      name, ".weights.h5", ".h5")
    #expect(try folder.names() == ["data.h5"])
  }

  @Test("folders that are missing, or in the place of a file, are found before training")
  func folders() throws {
    let folder = try folderWithData()
    try FileManager.default.createDirectory(
      atPath: folder.file("a.h5"), withIntermediateDirectories: false)
    for (option, path) in [
      ("--output", folder.file("missing/a.h5")), ("--history", folder.file("missing/a.csv")),
      ("--output", folder.file("a.h5")),
      ("--history", folder.file("a.h5")), ("--checkpoints", folder.file("data.h5")),
    ] {
      let run = try cairn(
        "train", folder.file("data.h5"), "--epochs", "1", option, path, "--force")
      expectTrouble(run, path)
      #expect(run.output == "")
    }
    #expect(try folder.names() == ["a.h5", "data.h5"])
  }

  @Test("a folder that cannot be written is found before training")
  func readOnlyFolder() throws {
    let folder = try folderWithData()
    let place = try PrivateMount(options: "size=1m,ro")
    for arguments in [
      ["--output", "\(place.path)/a.h5"], ["--history", "\(place.path)/a.csv"],
      ["--checkpoints", "\(place.path)/run"], ["--checkpoints", place.path],
    ] {
      guard
        let run = try place.run(
          .cairn, ["train", folder.file("data.h5"), "--epochs", "1"] + arguments)
      else { return }
      expectTrouble(run.outcome, place.path, "Read-only file system")
      #expect(run.outcome.output == "")
    }
    let model = Fixture.path("keras-2.12/mlp.h5")
    if let run = try place.run(
      .checkpointInspect, ["restore", model, "--into", model, "-o", "\(place.path)/a.h5"])
    {
      expectTrouble(run.outcome, place.path, "Read-only file system")
    }
  }
}
