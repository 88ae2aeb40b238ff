import Checkpoints
import Foundation
import KerasConfiguration
import TestSupport
import Testing

@Suite("Restoring by plan") struct RestoreSelectionTests {
  private func plan(
    _ source: String, _ target: String, _ selection: RestoreSelection
  ) throws -> RestorePlan {
    let opened = try CheckpointReader(opening: Fixture.path(target))
    let reader = try CheckpointReader(opening: Fixture.path(source), architectureFrom: opened)
    let informed = try CheckpointReader(opening: Fixture.path(target), architectureFrom: reader)
    return RestorePlan(
      source: reader.manifest, target: informed.manifest, selection: selection)
  }

  private func printed(by command: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  }

  /// Runs the plan, and returns the names whose tensors are then not as in `reference`.
  private func changes(
    _ source: String, _ target: String, _ selection: RestoreSelection, against reference: String
  ) throws -> [String] {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    let opened = try CheckpointReader(opening: Fixture.path(target))
    let reader = try CheckpointReader(opening: Fixture.path(source), architectureFrom: opened)
    try reader.restore(
      RestorePlan(source: reader.manifest, target: opened.manifest, selection: selection),
      into: opened, writing: output)
    return try CheckpointDiff(
      CheckpointReader(opening: Fixture.path(reference)), CheckpointReader(opening: output)
    ).items.filter { $0.outcome.keyword != "equal" }.map(\.name)
  }

  @Test(
    "a rename carries what each * stands for to the other side",
    arguments: [
      ("encoder/*=backbone/*", "encoder/dense/kernel", "backbone/dense/kernel"),
      ("*/block_*/kernel=*/stage_*/weight", "net/block_3/kernel", "net/stage_3/weight"),
      ("*a*=*b*", "xaya", "xbya"), ("dense=other", "dense", "other"),
      ("dense/*=*", "dense/", ""), ("*=p/*", "k", "p/k"), ("*_?=*_x", "a_b_c", "a_b_x"),
      ("a/*=b/*", "b/k", nil),
    ] as [(String, String, String?)])
  func rename(rule: String, name: String, expected: String?) throws {
    let rule = try #require(RenameRule(rule))
    #expect(rule.renamed(name) == expected)
  }

  @Test(
    "a rename without two sides, or with another number of *, is none",
    arguments: ["", "a", "=a", "a=", "a/*=b", "a=b/*", "[=b"])
  func badRename(rule: String) { #expect(RenameRule(rule) == nil) }

  @Test("slots follow their variable's new name; a rule that fits nothing is noted")
  func slotsFollow() throws {
    let rules = try ["dense/*=hidden/*", "nothing/*=x/*"].map { try #require(RenameRule($0)) }
    let report = try plan(
      "keras-3.15/mlp_ema.h5", "keras-3.15/mlp_ema.h5", RestoreSelection(renames: rules)
    ).report
    #expect(
      report.unused.map(\.name) == [
        "hidden/kernel", "hidden/bias", "average/hidden/kernel", "average/hidden/bias",
        "accumulator/hidden/kernel", "accumulator/hidden/bias",
      ])
    #expect(report.missing.count == 6)
    #expect(report.notes.contains { $0.contains("nothing/*") })
    // Two variables must not end under one name.
    let merging = try plan(
      "keras-3.15/mlp.h5", "keras-3.15/mlp.h5",
      RestoreSelection(renames: [#require(RenameRule("dense_1/*=dense/*"))]))
    #expect(merging.report.mismatched.contains { $0.problem.contains("more than one") })
  }

  @Test(
    "a part takes its tensors and no others",
    arguments: [
      (RestoreSelection.Part.weight, 8), (.slot, 12), (.average, 6), (.iteration, 1),
      (.learningRate, 1),
    ])
  func parts(part: RestoreSelection.Part, count: Int) throws {
    let report = try plan(
      "keras-3.15/mlp_ema.h5", "keras-3.15/mlp_ema.weights.h5", RestoreSelection(parts: [part])
    ).report
    #expect(report.isComplete && report.restored.count == count, "\(report.restored)")
    #expect(report.kept.count == 22 - count)
  }

  @Test("patterns add up, exclusions take away")
  func patterns() throws {
    let globs = try ["dense/*", "dense_1/*", "accumulator/*"].map { try #require(Glob($0)) }
    let report = try plan(
      "keras-2.12/mlp.h5", "keras-3.15/mlp.h5",
      RestoreSelection(only: globs, excluding: [#require(Glob("*bias"))])
    ).report
    #expect(report.isComplete)
    #expect(
      report.restored == [
        "dense/kernel", "dense_1/kernel", "accumulator/dense/kernel",
        "accumulator/batch_normalization/gamma", "accumulator/batch_normalization/beta",
        "accumulator/dense_1/kernel",
      ])
  }

  @Test("averages become the weights; what has none stays live; without averages it is refused")
  func averages() throws {
    let folder = try TemporaryDirectory()
    let output = folder.file("out.h5")
    let source = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.h5"))
    let target = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp.h5"))
    let selection = RestoreSelection(parts: [.weight], weights: .average)
    try source.restore(
      RestorePlan(source: source.manifest, target: target.manifest, selection: selection),
      into: target, writing: output)
    let result = try CheckpointReader(opening: output)
    for (name, origin) in [
      ("dense/kernel", "average/dense/kernel"),
      ("batch_normalization/moving_mean", "batch_normalization/moving_mean"),
    ] {
      let taken = try #require(result.manifest.entry(named: name))
      let given = try #require(source.manifest.entry(named: origin))
      let digest = try source.sha256(of: given)
      #expect(try result.sha256(of: taken) == digest)
    }
    #expect(
      try !plan("keras-3.15/mlp.h5", "keras-3.15/mlp.h5", selection).report.isComplete)
  }

  @Test("the target's architecture proves the ties of a bare weights file, from any Keras")
  func architecture() throws {
    for model in KerasFixture.models {
      let differences = try changes(
        "keras-2.12/\(model).weights.h5", "keras-3.15/\(model).h5", RestoreSelection(),
        against: "keras-2.12/\(model).h5")
      #expect(differences.isEmpty, "\(model): \(differences)")
    }
  }

  @Test("an architecture of another model is not used")
  func otherArchitecture() throws {
    let other = try CheckpointReader(opening: Fixture.path("keras-3.15/flatten.h5"))
    let reader = try CheckpointReader(
      opening: Fixture.path("keras-2.12/mlp.weights.h5"), architectureFrom: other)
    #expect(reader.manifest.model == nil)
    #expect(!reader.manifest.entries.contains { $0.role.keyword == "slot" })
  }

  @Test("positional slots are refused by name, and carried over when their order is to be assumed")
  func assumedOrder() throws {
    let bare = "keras-2.12/mlp.weights.h5"
    let refused = try plan(bare, bare, RestoreSelection()).report
    #expect(refused.mismatched.contains { $0.problem.contains("--assume-order") })
    let assumed = try plan(bare, bare, RestoreSelection(assumesOrder: true)).report
    #expect(assumed.isComplete)
    #expect(assumed.restored.count == 15)
    #expect(assumed.notes.contains { $0.contains("unproven") })
    let weights = try plan(bare, bare, RestoreSelection(parts: [.weight])).report
    #expect(weights.isComplete && weights.restored.count == 8)
    // With averages there are twice as many.
    #expect(
      try !plan(
        "keras-2.12/mlp_ema.weights.h5", bare, RestoreSelection(assumesOrder: true)
      ).report.isComplete)
  }

  @Test("a configuration alone crosses dialects and leaves every tensor as it is")
  func configuration() throws {
    let folder = try TemporaryDirectory()
    let source = try CheckpointReader(opening: Fixture.path("keras-3.15/embedding.h5"))
    let selection = RestoreSelection(parts: [.configuration])
    let plain = try CheckpointReader(opening: Fixture.path("keras-3.15/mlp_ema.h5"))
    var ours: [(String, String)] = []
    for name in ["keras3-archive", "keras3-weights", "keras3-sharded", "keras2-archive"] {
      let profile = try #require(Profile(name: name))
      let suffix = profile.layout.fileSuffix
      ours.append((folder.file("\(name)\(suffix)"), folder.file("\(name)-out\(suffix)")))
      try plain.convert(to: profile, writing: ours.last!.0)
    }
    for (path, output) in ours + [
      (Fixture.path("keras-2.12/mlp_ema.h5"), folder.file("a.h5")),
      (Fixture.path("keras-3.15/mlp_ema.directory"), folder.file("b")),
    ] {
      let target = try CheckpointReader(opening: path)
      try source.restore(
        RestorePlan(source: source.manifest, target: target.manifest, selection: selection),
        into: target, writing: output)
      let result = try CheckpointReader(opening: output)
      let taken = try #require(result.manifest.training?.optimizer)
      let given = try #require(source.manifest.training?.optimizer)
      #expect(try taken.decoded().average == given.decoded().average)
      #expect(
        try CheckpointDiff(target, result).items.allSatisfy { $0.outcome.keyword == "equal" })
    }
    let text = try printed(by: ["python3", "-m", "zipfile", "-t", ours[0].1])
    #expect(!text.contains("bad"), "\(text)")
    // A bare weights file has no place for it, another optimizer's slots do not fit it.
    for name in ["mlp_ema.weights.h5", "mlp.h5"] {
      let target = try CheckpointReader(opening: Fixture.path("keras-3.15/\(name)"))
      #expect(throws: CheckpointError.self) {
        try source.restore(
          RestorePlan(source: source.manifest, target: target.manifest, selection: selection),
          into: target, writing: folder.file("c.weights.h5"))
      }
    }
  }
}
