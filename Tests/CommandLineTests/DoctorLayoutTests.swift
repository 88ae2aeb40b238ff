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

  /// Where a member's data begin, behind the header of its array.
  private func data(of member: String, in name: String) throws -> Int {
    let content = try contents(of: path(name))
    let start = try #require(content.range(of: Data("\(member).npy".utf8))).lowerBound
    let header = try #require(content[start...].range(of: Data("\u{93}NUMPY".utf8.dropFirst())))
    return header.lowerBound + 127
  }

  @Test("of a npz cut short, the arrays before the cut are kept, and those behind it known by name")
  func cutNumPy() throws {
    let slot = try data(of: "accumulator/dense/kernel", in: "plain.npz")
    try change("plain.npz", as: "cut.npz") { $0 = $0.prefix(slot + 8) }
    let report = try doctor("cut.npz")
    #expect(report.exitCode == 1)
    #expect(report.output.contains("4 of 6 tensors can be saved: 4 intact, 1 damaged, 1 missing"))
    let lost: Set = ["accumulator/dense/kernel", "accumulator/dense/bias"]
    // Nothing is lost without a word.
    let refused = try doctor("cut.npz", "--rescue", "none.npz")
    #expect(refused.exitCode == 2)
    #expect(refused.errors.contains("accumulator/dense/bias (missing)"))
    #expect(refused.errors.contains("--fill nothing leaves them out"))
    // Made up: the shape of a slot is that of its owner.
    let filled = try doctor("cut.npz", "--rescue", "filled.npz", "--fill", "initial")
    #expect(filled.exitCode == 0, "\(filled.errors)")
    #expect(try differences(path("filled.npz"), path("plain.npz")) == lost)
    // Left out.
    let saved = try doctor("cut.npz", "--rescue", "saved.npz", "--fill", "nothing")
    #expect(saved.exitCode == 0, "\(saved.errors)")
    for name in lost { #expect(saved.output.contains("left out \(name): ")) }
    let (truth, left) = (try Shown(path("plain.npz")), try Shown(path("saved.npz")))
    #expect(left.digests == truth.digests.filter { !lost.contains($0.key) })
    #expect(left.optimizer?.iterations == 10 && left.dialect == truth.dialect)
    // Of the weights alone, and of a slot without its weight.
    try change("plain.npz", as: "damaged.npz") { data in
      data[(try? self.data(of: "dense/bias", in: "plain.npz")) ?? 0] ^= 1
    }
    let orphan = try doctor("damaged.npz", "--rescue", "orphan.npz", "--fill", "nothing")
    #expect(orphan.exitCode == 0, "\(orphan.errors)")
    let shown = try Shown(path("orphan.npz"))
    #expect(shown.digests == truth.digests.filter { $0.key != "dense/bias" })
    #expect(shown.variables.first { $0.name == "accumulator/dense/bias" }?.role == "other")
    // Of somebody else, who tells nothing of what stood behind.
    try change("plain.npz", as: "bare.npz") { data in
      let start = (try? self.data(of: "dense/kernel", in: "plain.npz")) ?? 0
      let header = data[..<start].range(
        of: Data([0x50, 0x4b, 0x03, 0x04]), options: .backwards, in: nil)
      data = data[(header?.lowerBound ?? 0)..<slot]
    }
    let bare = try doctor("bare.npz")
    #expect(bare.output.contains("which tensors stood where nothing can be read any more"))
  }

  @Test("only plain tensors may be fewer: Keras wants all variables")
  func leavingOut() throws {
    let refused = try doctor("whole.h5", "--rescue", "saved.h5", "--fill", "nothing")
    #expect(refused.exitCode == 2)
    #expect(refused.errors.contains("Keras wants all variables of a model"))
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
