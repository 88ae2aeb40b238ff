import Foundation
import TestSupport
import Testing

@Suite("doctor on sharded weights, safetensors and npz") struct DoctorLayoutTests {
  private let files: LayoutFiles

  init() throws { files = try LayoutFiles() }

  private func path(_ name: String) -> String { files.folder.file(name) }

  private func doctor(_ arguments: String...) throws -> Outcome {
    try BuiltProduct.checkpointInspect.run(["doctor"] + arguments, in: files.folder.path)
  }

  private func change(_ name: String, as copy: String, _ change: (inout Data) -> Void) throws {
    var data = try contents(of: path(name))
    change(&data)
    try data.write(to: URL(filePath: path(copy)))
  }

  /// Fails unless two checkpoints hold the same.
  private func expectSame(_ a: String, _ b: String) throws {
    expectSuccess(try inspect("diff", path(a), path(b)))
  }

  @Test("a shard with a turned bit loses that tensor alone; the rescue has as many files")
  func shard() throws {
    try change("shards_00000.weights.h5", as: "shards_00000.weights.h5") {
      // The first tensor of a file lies behind its headers: whatever was hit, others stay.
      $0[$0.count / 2] ^= 1
    }
    let report = try doctor("shards.weights.json")
    #expect(report.exitCode == 1)
    let rescue = try doctor(
      "shards.weights.json", "--rescue", "saved.weights.json", "--fill-from", "whole.h5")
    #expect(rescue.exitCode == 2, "another layout cannot lend what is lost")
    #expect(try files.folder.names().contains { $0.hasPrefix("saved") } == false)
    let other = try LayoutFiles()
    let saved = try doctor(
      "shards.weights.json", "--rescue", "saved.weights.json", "--fill-from",
      other.folder.file("shards.weights.json"))
    #expect(saved.exitCode == 0, "\(saved.errors)")
    try expectSame("saved.weights.json", "whole.h5")
    expectSuccess(try inspect("verify", path("saved.weights.json"), "--require-digests"))
    let names = try files.folder.names()
    #expect(
      names.count { $0.hasPrefix("saved_") } == names.count { $0.hasPrefix("shards_") })
  }

  @Test("a map that is gone is made anew from the files that bear its name")
  func map() throws {
    try Data("{".utf8).write(to: URL(filePath: path("shards.weights.json")))
    #expect(try inspect("show", path("shards.weights.json")).exitCode == 2)
    let rescue = try doctor("shards.weights.json", "--rescue", "saved.weights.json")
    #expect(rescue.exitCode == 0, "\(rescue.errors)")
    try expectSame("saved.weights.json", "whole.h5")
  }

  @Test("a shard that is gone is no silent loss: only an older checkpoint makes up for it")
  func lostShard() throws {
    let other = try LayoutFiles()
    try FileManager.default.removeItem(atPath: path("shards_00002.weights.h5"))
    let refused = try doctor("shards.weights.json", "--rescue", "saved.weights.json")
    #expect(refused.exitCode == 2)
    #expect(refused.errors.contains("(missing)"))
    let saved = try doctor(
      "shards.weights.json", "--rescue", "saved.weights.json", "--fill-from",
      other.folder.file("shards.weights.json"))
    #expect(saved.exitCode == 0, "\(saved.errors)")
    try expectSame("saved.weights.json", "whole.h5")
  }

  @Test("members of a npz are proven by their checksums, compressed ones too")
  func npz() throws {
    let whole = try doctor("plain.npz")
    expectSuccess(whole)
    #expect(whole.output.contains("nothing wrong found: 6 intact"))
    try change("plain.npz", as: "cut.npz") { $0.removeLast(200) }
    #expect(try doctor("cut.npz").output.contains("6 of 6 tensors can be saved: 6 intact"))
    let saved = try doctor("cut.npz", "--rescue", "saved.npz", "--fill-from", "plain.npz")
    #expect(saved.exitCode == 0, "\(saved.errors)")
    try expectSame("saved.npz", "plain.npz")
  }

  @Test("of a safetensors file cut short, the tensors before the cut are kept")
  func cutSafetensors() throws {
    try change("plain.safetensors", as: "cut.safetensors") { $0.removeLast(20) }
    let report = try doctor("cut.safetensors")
    #expect(report.exitCode == 1)
    #expect(report.output.contains("cut off: 156 of 160 bytes are left"))
    let refused = try doctor("cut.safetensors", "--rescue", "saved.safetensors")
    #expect(refused.exitCode == 2)
    #expect(refused.errors.contains("accumulator/dense/kernel (damaged)"))
    let filled = try doctor(
      "cut.safetensors", "--rescue", "saved.safetensors", "--fill", "initial")
    #expect(filled.exitCode == 0, "\(filled.errors)")
    let lost: Set = ["accumulator/dense/kernel", "accumulator/dense/bias"]
    #expect(try differences(path("saved.safetensors"), path("plain.safetensors")) == lost)
  }

  @Test("a safetensors file without header takes the places from one of the same size")
  func headlessSafetensors() throws {
    try change("plain.safetensors", as: "headless.safetensors") {
      $0.resetBytes(in: 0..<200)
    }
    let alone = try doctor("headless.safetensors")
    #expect(alone.exitCode == 1)
    #expect(alone.output.contains("no tensor found"))
    let saved = try doctor(
      "headless.safetensors", "--rescue", "saved.safetensors", "--fill-from", "plain.safetensors")
    #expect(saved.exitCode == 0, "\(saved.errors)")
    #expect(saved.output.contains("6 of 6 tensors are the file's own"))
    try expectSame("saved.safetensors", "plain.safetensors")
  }

  @Test("turned bits and cuts anywhere end in a report, and prove nothing that is not so")
  func mutants() throws {
    var source = SplitMix(state: 3)
    let truth = try Shown(path("plain.npz")).digests
    for name in ["plain.npz", "plain.safetensors", "shards.weights.json"] {
      let size = try contents(of: path(name)).count
      let suffix = name.drop { $0 != "." }
      for number in 0..<6 {
        let copy = "mutant-\(number)\(suffix)"
        try change(name, as: copy) { data in
          for _ in 0..<4 { data[Int.random(in: 0..<size, using: &source)] ^= 1 << 6 }
          if number % 2 == 1 { data = data.prefix(Int.random(in: 1..<size, using: &source)) }
        }
        let report = try doctor(copy)
        #expect([0, 1].contains(report.exitCode), "\(report.errors)")
        // What is rescued from intact members alone is what was written.
        let saved = "saved-\(number)\(suffix)"
        guard try doctor(copy, "--rescue", saved).exitCode == 0, suffix == ".npz" else { continue }
        for (tensor, digest) in try Shown(path(saved)).digests { #expect(truth[tensor] == digest) }
      }
    }
  }
}
