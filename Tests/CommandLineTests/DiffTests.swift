import Foundation
import HDF5
import TestSupport
import Testing

@Suite("checkpoint-inspect diff")
struct DiffTests {
  private static let model = Fixture.path("keras-2.12/mlp.h5")
  private static let bias = "model_weights/dense/dense/bias:0"

  /// A copy of the model with a bias of these numbers.
  private func model(
    _ name: String, bias: [Float], in folder: borrowing TemporaryDirectory
  ) throws -> String {
    let path = folder.file(name)
    try DataFiles.altered(Self.model, as: path) { root in
      let dataset = try root.openDataset(Self.bias)
      try bias.withUnsafeBytes { try dataset.write(from: $0) }
    }
    return path
  }

  @Test(
    "prints as committed",
    arguments: [
      ("keras-2.12/mlp.h5", "keras-2.12/mlp_ema.h5"),
      ("keras-3.15/mlp.h5", "keras-3.15/mlp_ema.weights.h5"),
      ("keras-2.12/mlp.h5", "keras-2.12/flatten.h5"),
    ])
  func committed(a: String, b: String) throws {
    let name = "diff-\(a)-\(b)".replacing("/", with: "-")
    try ExpectedOutput.check("\(name).txt", ["diff", a, b], exitCode: 1)
    try ExpectedOutput.check("\(name).json", ["diff", a, b, "--format", "json"], exitCode: 1)
  }

  @Test("a file is the same as itself, and the two layouts of one state are the same")
  func same() throws {
    for (a, b) in [
      ("keras-2.12/mlp_ema.h5", "keras-2.12/mlp_ema.h5"),
      ("keras-3.15/mlp.h5", "keras-3.15/mlp.weights.h5"),
      ("keras-3.15/flatten.weights.h5", "keras-3.15/flatten.h5"),
    ] {
      let outcome = try inspect("diff", Fixture.path(a), Fixture.path(b))
      expectSuccess(outcome)
      #expect(outcome.outputLines.first?.hasPrefix("descent: consistent, 0 steps apart") == true)
      #expect(outcome.outputLines.last?.hasPrefix("same: ") == true)
    }
  }

  @Test("tolerances are absolute, or relative to the second file")
  func tolerances() throws {
    let folder = try TemporaryDirectory()
    var numbers = [Float](repeating: 8, count: 12)
    let a = try model("a.h5", bias: numbers, in: folder)
    numbers[4] = 10
    let b = try model("b.h5", bias: numbers, in: folder)
    let before = try snapshot(of: folder.path)
    for (options, exitCode) in [
      ([], 1), (["--absolute", "2"], 0), (["--absolute", "1.99"], 1), (["--relative", "0.2"], 0),
      (["--relative", "0.19"], 1),
    ] as [([String], Int32)] {
      let outcome = try BuiltProduct.checkpointInspect.run(["diff", a, b] + options)
      #expect(outcome.exitCode == exitCode, "\(options)")
      #expect(outcome.output.contains("max 2, mean 0.166667") == (exitCode == 1))
    }
    #expect(try snapshot(of: folder.path) == before)
  }

  @Test("NaN equals NaN; to or from NaN and infinity is a change that no tolerance covers")
  func notFinite() throws {
    let folder = try TemporaryDirectory()
    let numbers = [Float](repeating: 1, count: 12)
    func with(_ value: Float, _ name: String) throws -> String {
      try model(name, bias: [value] + numbers.dropFirst(), in: folder)
    }
    let nan = try with(.nan, "nan.h5")
    let infinite = try with(.infinity, "infinite.h5")
    let finite = try with(1, "finite.h5")
    let other = try with(-.nan, "other.h5")
    expectSuccess(try inspect("diff", nan, nan))
    expectSuccess(try inspect("diff", nan, other))
    expectSuccess(try inspect("diff", infinite, infinite))
    for (a, b) in [(nan, finite), (finite, nan), (infinite, finite), (nan, infinite)] {
      let outcome = try inspect("diff", a, b, "--absolute", "1e30", "--relative", "1e30")
      #expect(outcome.exitCode == 1)
      #expect(outcome.output.contains("1 of 12 changed"))
      #expect(outcome.output.contains("1 to or from NaN or infinity"))
    }
  }

  @Test("a different configuration is a difference, without any tensor being one")
  func configuration() throws {
    let folder = try TemporaryDirectory()
    try DataFiles.altered(Self.model, as: folder.file("b.h5")) { root in
      let text = try root.attributes.string("training_config")
      try root.attributes.setString(
        text.replacing("\"epsilon\": 1e-07", with: "\"epsilon\": 0.001"), for: "training_config")
    }
    let outcome = try inspect("diff", Self.model, folder.file("b.h5"))
    #expect(outcome.exitCode == 1)
    #expect(outcome.output.contains("epsilon raised 10000-fold: 1e-07 -> 0.001"))
    #expect(outcome.output.contains("different: 15 of 15 tensors equal"))
  }

  @Test("--brief leaves the verdict and the summary, --quiet nothing")
  func brevity() throws {
    let (a, b) = (
      Fixture.path("descent/keras-3.15/noisy-1.h5"), Fixture.path("descent/keras-3.15/noisy-10.h5")
    )
    let brief = try inspect("diff", a, b, "--brief")
    #expect(brief.exitCode == 1)
    #expect(
      brief.outputLines == [
        "descent: consistent, 9 steps apart", "different: 1 of 6 tensors equal",
      ])
    let quiet = try inspect("diff", a, b, "--quiet")
    #expect(quiet.exitCode == 1)
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
    #expect(try inspect("diff", a, a, "--quiet").exitCode == 0)
    let reversed = try inspect("diff", b, a, "--explain")
    #expect(reversed.output.contains("the count of updates fell by 9"))
  }

  @Test("two files that cannot be compared are trouble, not a difference")
  func trouble() throws {
    let missing = Fixture.path("no-such-file.h5")
    expectTrouble(try inspect("diff", Self.model, missing), missing)
    expectTrouble(try inspect("diff", missing, Self.model, "--format", "json"), missing)
  }

  @Test("looks at the selected tensors only")
  func selection() throws {
    let outcome = try inspect(
      "diff", Fixture.path("keras-2.12/mlp.h5"), Fixture.path("keras-2.12/mlp_ema.h5"),
      "--format", "csv", "--only", "dense/bias", "--role", "weight")
    #expect(outcome.exitCode == 1)
    #expect(outcome.outputLines.map { $0.prefix(while: { $0 != "," }) } == ["name", "dense/bias"])
  }
}
