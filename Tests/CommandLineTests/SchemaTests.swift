import Foundation
import TestSupport
import Testing

@Suite("JSON Schemas") struct SchemaTests {
  private func problems(
    _ schema: String, _ arguments: [String], in folder: String = Fixture.path("")
  ) throws -> [String] {
    let outcome = try BuiltProduct.checkpointInspect.run(
      arguments + ["--format", "json"], in: folder)
    try #require(outcome.errors == "" && outcome.exitCode <= 1)
    return try JSONSchema(named: schema).problems(in: outcome.output)
  }

  @Test(
    "describe what show prints, of every layout",
    arguments: [
      "keras-2.12/mlp_ema.h5", "keras-2.12/mlp.weights.h5", "keras-2.12/adam.h5",
      "keras-3.15/embedding.h5", "keras-3.15/mlp_ema.weights.h5", "keras-3.15/mlp_ema.weights.json",
      "keras-3.15/mlp_ema.directory",
    ])
  func show(file: String) throws {
    #expect(try problems("show", ["show", file]) == [])
    #expect(try problems("show", ["show", file, "--statistics", "--health", "--digests"]) == [])
  }

  @Test("describe what show prints of one tensor")
  func numbers() throws {
    for tensor in ["dense/kernel", "dense/kernel[0]", "dense/kernel[0, 0]", "dense/kernel[5:2]"] {
      #expect(try problems("numbers", ["show", "keras-3.15/mlp_ema.h5", tensor]) == [])
    }
  }

  @Test("describe what diff prints")
  func diff() throws {
    let (a, b) = ("keras-2.12/mlp.h5", "keras-2.12/flatten.h5")
    #expect(try problems("diff", ["diff", a, a]) == [])
    #expect(try problems("diff", ["diff", a, b]) == [])
  }

  @Test("describe what verify prints of files and folders, whole and damaged")
  func verify() throws {
    let folder = try TemporaryDirectory()
    let original = Fixture.path("keras-3.15/mlp_ema.h5")
    for name in ["a", "b"] {
      expectSuccess(
        try inspect(
          "convert", original, folder.file("\(name).weights.h5"), "--to", "keras3-weights"))
    }
    #expect(try problems("verify", ["verify", original]) == [])
    #expect(try problems("verify", ["verify", folder.file("a.weights.h5")]) == [])
    var bytes = try contents(of: folder.file("b.weights.h5"))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: folder.file("b.weights.h5")))
    #expect(try problems("verify", ["verify", folder.path]) == [])
  }

  @Test("describe what restore prints")
  func restore() throws {
    let model = "keras-3.15/mlp_ema.h5"
    let arguments = ["restore", model, "--into", model, "-o", "/nowhere/x.h5", "--dry-run"]
    #expect(try problems("restore", arguments) == [])
    // One that is refused prints its plan as well.
    let refused = try BuiltProduct.checkpointInspect.run(
      ["restore", model, "--into", "keras-3.15/flatten.h5", "-o", "x.h5", "--format", "json"],
      in: Fixture.path(""))
    #expect(refused.exitCode == 2)
    let report = try JSONSchema(named: "restore").problems(in: refused.output)
    #expect(report == [])
  }

  @Test("there is one for every command that takes --format")
  func commands() throws {
    let program = BuiltProduct.checkpointInspect
    // What watch prints are lines of log; numbers are what show prints of one tensor.
    let schemas = try JSONSchema.names()
    for name in schemas where name != "numbers" {
      #expect(try program.run([name, "--help"]).output.contains("--format"), "\(name)")
    }
    for command in try program.run(["--help"]).outputLines.compactMap({ line in
      line.hasPrefix("  ") && !line.hasPrefix("   ") && !line.contains("'")
        ? line.split(separator: " ").first.map(String.init) : nil
    }) where !command.hasPrefix("-") && command != "watch" {
      let takesFormat = try program.run([command, "--help"]).output.contains("--format")
      #expect(takesFormat == schemas.contains(command), "\(command)")
    }
  }

  @Test("describe what verify and doctor print of every layout, and doctor of what is damaged")
  func doctor() throws {
    let files = try LayoutFiles()
    for name in LayoutFiles.names {
      #expect(try problems("doctor", ["doctor", name], in: files.folder.path) == [])
      #expect(try problems("verify", ["verify", name], in: files.folder.path) == [])
    }
    var bytes = try contents(of: files.folder.file("weights.weights.h5"))
    bytes.resetBytes(in: 0..<96)
    try bytes.write(to: URL(filePath: files.folder.file("headless.weights.h5")))
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: files.folder.file("half.weights.h5")))
    try Data().write(to: URL(filePath: files.folder.file("empty.h5")))
    for arguments in [
      ["headless.weights.h5"], ["half.weights.h5"], ["empty.h5"],
      ["headless.weights.h5", "--rescue", "a.weights.h5"],
      ["half.weights.h5", "--rescue", "b.weights.h5", "--fill-from", "weights.weights.h5"],
    ] {
      #expect(
        try problems("doctor", ["doctor"] + arguments, in: files.folder.path) == [], "\(arguments)")
    }
  }

  @Test("describe what log, watch, bisect and merge print")
  func runs() throws {
    let files = try LayoutFiles()
    try files.setTimes(["before.h5"] + LayoutFiles.names)
    #expect(try problems("log", ["log", "."], in: files.folder.path) == [])
    #expect(try problems("log", ["log", ".", "--no-tensors"], in: files.folder.path) == [])
    #expect(try problems("log", ["watch", ".", "--timeout", "0.05"], in: files.folder.path) == [])
    // One of each outcome: none fails, found, the oldest fails, undecided, and between two.
    let outcomes = [
      (["--check", "nan"], "noneFails"), (["--check", "frozen"], "found"),
      (["--", "test", "!", "-e", "{}"], "oldestFails"),
      (["--check", "metric", "--metric", "loss", "--above", "1"], "undecided"),
      (
        [
          "--", "sh", "-c",
          "case $1 in *archive*) exit 125;; *before*|*whole*|*/weights*);; *) exit 1; esac", "sh",
          "{}",
        ],
        "between"
      ),
    ]
    for (arguments, outcome) in outcomes {
      let printed = try BuiltProduct.checkpointInspect.run(
        ["bisect", ".", "--format", "json"] + arguments, in: files.folder.path)
      #expect(printed.output.contains("\"outcome\": \"\(outcome)\""), "\(printed.output)")
      #expect(try JSONSchema(named: "bisect").problems(in: printed.output) == [], "\(outcome)")
    }
    for strategy in [[], ["--strategy", "average"]] {
      let merge = ["merge", "before.h5", "whole.h5", "legacy.h5", "-o", "x.h5", "--dry-run"]
      #expect(try problems("merge", merge + strategy, in: files.folder.path) == [])
    }
    // The descent of two files of which nothing can be said, and of two of which everything can.
    for pair in [
      ["before.h5", "legacy.h5"], ["whole.h5", "before.h5"], ["before.h5", "whole.h5"],
    ] {
      #expect(try problems("diff", ["diff"] + pair, in: files.folder.path) == [])
    }
  }

  @Test("find what is missing, too much, or of another type")
  func strictness() throws {
    let outcome = try inspect("show", Fixture.path("keras-3.15/mlp.h5"), "--format", "json")
    let schema = try JSONSchema(named: "show")
    func problems(_ old: String, _ new: String) throws -> [String] {
      try #require(outcome.output.contains(old))
      return try schema.problems(in: outcome.output.replacing(old, with: new))
    }
    #expect(try problems("\"layout\"", "\"lay\"").count == 2)
    #expect(try problems("\"byteCount\": 960", "\"byteCount\": -960").count >= 1)
    #expect(try problems("\"byteCount\": 960", "\"byteCount\": \"960\"").count >= 1)
    #expect(try problems("\"role\": \"slot\"", "\"role\": \"slots\"").count >= 1)
    #expect(try problems("\"tensorCount\": 1,", "\"tensorCount\": NaN,").count >= 1)
  }
}
