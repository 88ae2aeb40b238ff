import Foundation
import HDF5
import TestSupport
import Testing

/// Runs `train` with everything that it can write, and expects one line and nothing written.
private func expectRefusal(
  _ folder: borrowing TemporaryDirectory, _ arguments: [String], _ words: [String],
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let before = try folder.names()
  let outcome = try BuiltProduct.cairn.run(
    ["train"] + arguments + [
      "--epochs", "1", "--output", folder.file("out.h5"), "--history", folder.file("out.csv"),
      "--checkpoints", folder.file("run"),
    ])
  #expect(outcome.exitCode == 2, sourceLocation: sourceLocation)
  #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
  for word in words { #expect(outcome.errors.contains(word), sourceLocation: sourceLocation) }
  #expect(try folder.names() == before, sourceLocation: sourceLocation)
}

@Suite("bad data: one line, exit code 2, nothing written")
struct BadDataTests {
  @Test("files that are no HDF5 files, or not whole, or not there")
  func unreadable() throws {
    let folder = try TemporaryDirectory()
    let data = folder.file("data.h5")
    try expectRefusal(folder, [data], [data, "No such file"])
    try expectRefusal(folder, [folder.path], [folder.path, "directory"])
    for (text, words) in [("", "empty"), ("a picture of a 7", "no HDF5 signature")] {
      try text.write(toFile: data, atomically: false, encoding: .utf8)
      try expectRefusal(folder, [data], [data, words])
    }
    try FileManager.default.removeItem(atPath: data)
    try DataFiles.truncated(Fixture.path("digits.h5"), to: 5000, as: data)
    try expectRefusal(folder, [data], [data, "cut short", "5000"])
  }

  @Test("a missing dataset, or a group in its place", arguments: ["x", "y"])
  func missing(name: String) throws {
    let folder = try TemporaryDirectory()
    let (without, group) = (folder.file("without.h5"), folder.file("group.h5"))
    try DataFiles.classification(without)
    try DataFiles.altered(without, as: group) { root in
      try root.remove(name)
      _ = try root.createGroup(name)
    }
    let file = try HDF5File.openForUpdate(without)
    do { try file.root().remove(name) }
    try file.close()
    try expectRefusal(folder, [without], [without, "dataset \(name)"])
    try expectRefusal(folder, [group], [group, "/\(name)", "group"])
  }

  @Test("inputs and labels of different lengths")
  func lengths() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 60) { _, y in y.removeLast(7) }
    try expectRefusal(folder, [folder.file("data.h5")], ["60", "53"])
  }

  @Test("labels that no class has", arguments: [-1, Int64.min, Int64.max, 99_999_999])
  func labels(label: Int64) throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5")) { _, y in y[7] = label }
    try expectRefusal(folder, [folder.file("data.h5")], ["\(label)"])
  }

  @Test("labels beyond the classes of the model")
  func labelsOfModel() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rowShape: [20], classes: 6)
    try expectRefusal(
      folder, [folder.file("data.h5"), "--model", Fixture.path("keras-2.12/mlp.h5")],
      ["row 5", "5", "0..<5"])
  }

  @Test("ids beyond the embedding's table")
  func ids() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.sentences(folder.file("data.h5"), largestID: 30)
    try expectRefusal(
      folder, [folder.file("data.h5"), "--model", Fixture.path("keras-3.15/embedding.h5")],
      ["tokens", "30"])
  }

  @Test("rows of another shape than the model's inputs")
  func shapes() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rowShape: [21], classes: 5)
    try expectRefusal(
      folder, [folder.file("data.h5"), "--model", Fixture.path("keras-2.12/mlp.h5")],
      ["(None, 20)", "(60, 21)"])
    try DataFiles.classification(folder.file("images.h5"), rowShape: [3, 4])
    try expectRefusal(folder, [folder.file("images.h5")], ["(60, 3, 4)", "--model"])
  }

  @Test("too few rows to split, or none")
  func rows() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.classification(folder.file("data.h5"), rows: 2) { x, y in
      (x, y) = (Array(x[..<12]), [1])
    }
    try expectRefusal(folder, [folder.file("data.h5")], ["1 rows"])
  }

  @Test("a size that no machine has, claimed by a small file")
  func hugeClaim() throws {
    let folder = try TemporaryDirectory()
    let data = folder.file("data.h5")
    // Contiguous datasets of this size cannot be claimed; chunks that were never written can.
    let script = #"printf '%s' "$1" | base64 -d | gunzip > "$2""#
    let made = try BuiltProduct.cairn.runInShell(script, [hugeFile, data])
    try #require(made.exitCode == 0, "\(made.errors)")
    try expectRefusal(folder, [data], [data, "fit in memory", "(100000000000, 64)"])
  }
}

/// Gzip in base64 of a file whose `x` is float32 (100000000000, 64) and `y` int64 (100000000000,), both
/// chunked and without a chunk.
private let hugeFile = """
  H4sIAAAAAAACA+v0cHHj5ZLiYgABDg4GFgYBBmTwHwo62FD5MPkEKM0IpTug9AommDgjWE4CKi4INR9dXUiQqytI9X80\
  ALPHgAVCo7puFIwU4OHqGACiI6B8WHo6wYSqrgJKV6KlSwcy7WVkYIWYwQjja0BoJqjAizIPcWTz0fjMQJeCVAoqyDNA\
  krACgzgHg3g9VJ6VgQMsz8QMMZAD6jNmJmZYFnjBDDGOBdWHAwOC/fxdGBmYgO6EAAVm/Oph+bWCdTQN409XkHhnZERN\
  VzCaGRiSIBkBDgZo2DsQSD9MyOmHA2HzhEEZHgAPNQzoiAYAAA==
  """
