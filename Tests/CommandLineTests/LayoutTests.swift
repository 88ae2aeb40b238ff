import Foundation
import TestSupport
import Testing

@Suite("checkpoint-inspect convert and export") struct LayoutTests {
  private static let original = Fixture.path("keras-3.15/mlp_ema.h5")

  @Test("layouts of several files are written, shown, compared, and replaced only with --force")
  func severalFiles() throws {
    let folder = try TemporaryDirectory()
    let (map, model) = (folder.file("x.weights.json"), folder.file("model"))
    expectSuccess(
      try inspect(
        "convert", Self.original, map, "--to", "keras3-sharded", "--max-shard-size", "1K"))
    expectSuccess(try inspect("convert", Self.original, model, "--to", "keras3-directory"))
    #expect(
      try folder.names() == [
        "model", "x.weights.json", "x_00000.weights.h5", "x_00001.weights.h5",
        "x_00002.weights.h5", "x_00003.weights.h5", "x_00004.weights.h5",
        "x_00005.weights.h5",
      ])
    for path in [map, model] { expectSuccess(try inspect("diff", Self.original, path)) }
    #expect(try Shown(map).layout == "sharded")
    #expect(try Shown(model).layout == "directory")

    expectTrouble(
      try inspect("convert", Self.original, model, "--to", "keras3-directory"), model, "--force")
    expectSuccess(
      try inspect("convert", Self.original, model, "--to", "keras3-directory", "--force"))
    expectTrouble(
      try inspect(
        "convert", map, folder.file("x_00000.weights.h5"), "--to", "keras3-weights", "--force"),
      "one of the inputs")
  }

  @Test(
    "names that Keras would not open, and sizes that are none, are wrong usage",
    arguments: [
      ["x.json", "--to", "keras3-sharded"], ["x.weights.h5", "--to", "keras3-sharded"],
      ["x.keras", "--to", "keras3-directory"], ["x.h5", "--to", "keras3-directory"],
      ["x.weights.json", "--to", "keras3-sharded", "--max-shard-size", "0"],
      ["x.weights.json", "--to", "keras3-sharded", "--max-shard-size", "9999999999G"],
      ["x.weights.json", "--to", "keras3-sharded", "--max-shard-size", "many"],
      ["x.h5", "--to", "keras3-h5", "--max-shard-size", "1G"],
      ["x.h5", "--to", "keras3-h5", "--bfloat16", "native"],
      ["x.weights.h5", "--to", "keras2-weights", "--bfloat16", "native"],
      ["x.weights.h5", "--to", "keras3-weights", "--bfloat16", "float16"],
    ])
  func usage(arguments: [String]) throws {
    let folder = try TemporaryDirectory()
    let outcome = try BuiltProduct.checkpointInspect.run(
      ["convert", Self.original] + arguments, in: folder.path)
    #expect(outcome.exitCode == 64)
    #expect(try folder.names() == [])
  }

  @Test(
    "an export is shown, compared and restored from like a checkpoint",
    arguments: ["safetensors", "npz"])
  func export(format: String) throws {
    let folder = try TemporaryDirectory()
    let plain = folder.file("plain.\(format)")
    expectSuccess(try inspect("export", Self.original, plain))
    expectSuccess(try inspect("diff", Self.original, plain))
    #expect(try Shown(plain).digests == Shown(Self.original).digests)
    expectTrouble(try inspect("export", Self.original, plain), plain, "--force")
    #expect(try inspect("export", Self.original, folder.file("x.h5")).exitCode == 64)

    let output = folder.file("out.h5")
    expectSuccess(try inspect("restore", plain, "--into", Self.original, "-o", output))
    #expect(try contents(of: output) == contents(of: Self.original))
    expectTrouble(
      try inspect("restore", Self.original, "--into", plain, "-o", folder.file("y.\(format)")),
      "plain tensors")
  }

  @Test("a restore renames, selects parts, takes averages, and says exactly what it would do")
  func plan() throws {
    let folder = try TemporaryDirectory()
    let (output, target) = (folder.file("out.h5"), Fixture.path("keras-3.15/mlp.h5"))
    let averages = [
      "restore", Self.original, "--into", target, "-o", output, "--role", "weight", "--weights",
      "average", "--exclude", "*_1/*",
    ]
    let dryRun = try BuiltProduct.checkpointInspect.run(averages + ["--dry-run"])
    expectSuccess(dryRun)
    #expect(try folder.names() == [])
    let done = try BuiltProduct.checkpointInspect.run(averages)
    expectSuccess(done)
    #expect(dryRun.outputLines.dropLast() == done.outputLines.dropLast())
    let (source, result) = (try Shown(Self.original).digests, try Shown(output).digests)
    #expect(result["dense/kernel"] == source["average/dense/kernel"])
    #expect(try result["dense_1/kernel"] == Shown(target).digests["dense_1/kernel"])
    // The output is there now, and a dry run says so, too.
    expectTrouble(try BuiltProduct.checkpointInspect.run(averages + ["--dry-run"]), "--force")

    let renamed = try inspect(
      "restore", Self.original, "--into", Self.original, "-o", folder.file("r.h5"), "--rename",
      "dense/*=dens/*")
    expectTrouble(renamed, "did you mean")
    #expect(renamed.output.contains("unused    accumulator/dens/kernel: did you mean"))
    #expect(
      try inspect(
        "restore", Self.original, "--into", target, "-o", output, "--rename", "a/*=b"
      ).exitCode == 64)
  }

  @Test("a bare weights file of Keras 2 is tied by the target's architecture, or as asked")
  func ties() throws {
    let folder = try TemporaryDirectory()
    let bare = Fixture.path("keras-2.12/mlp.weights.h5")
    expectSuccess(
      try inspect(
        "restore", bare, "--into", Fixture.path("keras-2.12/mlp.h5"), "-o", folder.file("a.h5")))
    expectSuccess(try inspect("diff", folder.file("a.h5"), Fixture.path("keras-2.12/mlp.h5")))
    let output = folder.file("b.weights.h5")
    expectTrouble(try inspect("restore", bare, "--into", bare, "-o", output), "--assume-order")
    expectSuccess(try inspect("restore", bare, "--into", bare, "-o", output, "--assume-order"))
    #expect(try contents(of: output) == contents(of: bare))
  }
}
