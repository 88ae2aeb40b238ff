import Foundation
import TestSupport
import Testing

@Suite("Whole sessions print as committed") struct TranscriptTests {
  @Test("of every command that takes a checkpoint, on every layout")
  func layouts() throws {
    let files = try LayoutFiles()
    for name in LayoutFiles.names {
      let commands = [
        "show \(name)", "show \(name) dense/bias", "diff before.h5 \(name)", "verify \(name)",
        "doctor \(name)",
        "restore \(name) --into before.h5 -o out-\(name).h5 --role weight --dry-run",
        "merge before.h5 before.h5 \(name) -o merged-\(name).h5",
        "convert \(name) converted-\(name).keras --to keras3-archive --accept-loss",
        "export \(name) exported-\(name).npz", "git-textconv \(name)",
      ]
      try ExpectedOutput.check(
        transcript: "layout-\(name).txt", commands, in: files.folder.path)
    }
  }

  @Test("of log, bisect and watch, on a folder with checkpoints of every layout")
  func histories() throws {
    let files = try LayoutFiles()
    try files.setTimes(["before.h5"] + LayoutFiles.names)
    try FileManager.default.createDirectory(
      atPath: files.folder.file("run"), withIntermediateDirectories: false)
    for name in try files.folder.names() where name != "run" {
      try FileManager.default.moveItem(
        atPath: files.folder.file(name), toPath: files.folder.file("run/\(name)"))
    }
    try ExpectedOutput.check(
      transcript: "log.txt",
      [
        "log run", "log run --newest-first --no-tensors --format csv",
        "log run --only dense/* --format ndjson", "log run --no-tensors --format markdown",
      ], in: files.folder.path)
    try ExpectedOutput.check(
      transcript: "bisect.txt",
      [
        "bisect run --check nan", "bisect run --check impossible-step",
        "bisect run --check frozen", "bisect run --check metric --metric loss --above 1",
        "bisect run --check frozen --format json",
        "bisect run -- test ! {} -nt run/shards.weights.json",
      ], in: files.folder.path)
    try ExpectedOutput.check(
      transcript: "watch.txt",
      ["watch run --timeout 0.05", "watch run --timeout 0.05 --format json"],
      in: files.folder.path)
  }

  @Test("of doctor, on damaged checkpoints and their rescues")
  func damage() throws {
    let files = try LayoutFiles()
    let folder = files.folder.path
    for (name, copy) in [
      ("weights.weights.h5", "turned.weights.h5"), ("plain.npz", "turned.npz"),
      ("plain.safetensors", "cut.safetensors"), ("shards.weights.json", "lost.weights.json"),
    ] {
      var data = try contents(of: "\(folder)/\(name)")
      switch name {
      case "plain.safetensors": data.removeLast(20)
      case "shards.weights.json":
        data = Data(
          try text(of: "\(folder)/\(name)").replacing("shards_00001", with: "gone_00001").utf8)
      default:
        let kernel = try place(of: "dense/kernel", in: name, folder)
        data[kernel] ^= 1
      }
      try data.write(to: URL(filePath: "\(folder)/\(copy)"))
    }
    try ExpectedOutput.check(
      transcript: "doctor.txt",
      [
        "doctor turned.weights.h5",
        "doctor turned.weights.h5 --rescue no.weights.h5",
        "doctor turned.weights.h5 --rescue a.weights.h5 --fill-from weights.weights.h5",
        "doctor turned.weights.h5 --rescue b.weights.h5 --fill zeros --format json",
        "doctor turned.npz", "doctor cut.safetensors",
        "doctor cut.safetensors --rescue c.safetensors --fill-from plain.safetensors",
        "doctor lost.weights.json",
        "doctor lost.weights.json --rescue d.weights.json --fill-from shards.weights.json",
        "doctor turned.npz --format csv", "doctor turned.npz --format markdown",
      ], in: folder)
  }

  /// Where a tensor's elements lie in a file: those of the kernel stand in every layout as they do in the plain
  /// ones.
  private func place(of tensor: String, in name: String, _ folder: String) throws -> Int {
    let exported = try contents(of: "\(folder)/plain.npz")
    let header = try #require(exported.range(of: Data("\(tensor).npy".utf8)))
    // The elements of an array begin at a multiple of 64 bytes of it, behind a line's end.
    let end = try #require(exported[header.upperBound...].range(of: Data("\n".utf8)))
    let elements = exported[end.upperBound..<end.upperBound + 32]
    return try #require(try contents(of: "\(folder)/\(name)").range(of: elements)).lowerBound
  }

  @Test("of merge, with conflicts and without")
  func merge() throws {
    let folder = try TemporaryDirectory()
    for step in ["1", "2", "10"] {
      try FileManager.default.copyItem(
        atPath: Fixture.path("descent/keras-3.15/noisy-\(step).h5"),
        toPath: folder.file("\(step).h5"))
    }
    try ExpectedOutput.check(
      transcript: "merge.txt",
      [
        "merge 1.h5 2.h5 10.h5 -o merged.h5", "merge 1.h5 2.h5 1.h5 -o merged.h5",
        "merge 1.h5 2.h5 10.h5 -o average.keras --strategy average --profile keras3-archive",
        "merge 1.h5 2.h5 10.h5 -o none.h5 --dry-run --format json",
        "merge 1.h5 2.h5 10.h5 -o none.h5 --dry-run --format csv",
      ], in: folder.path)
  }
}
