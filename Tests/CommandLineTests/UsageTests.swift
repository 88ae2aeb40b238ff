import TestSupport
import Testing

@Suite("wrong usage")
struct UsageTests {
  @Test(
    "ends cairn with exit code 64",
    arguments: [
      "train --epochs 0", "train --batch-size 0", "train --batch-size 9223372036854775807",
      "train --threads 0", "train --threads 100000000", "train --validation-split 1",
      "train --validation-split nan", "train --learning-rate=-1", "train --learning-rate nan",
      "train --learning-rate inf", "train --ema 1.5", "train --ema nan", "train --seed x",
      "train --save-every-steps 3", "train --save-every-steps 0 --checkpoints run",
      "train --checkpoint-format zip", "train --weights best", "train a b", "train --fast",
      "evaluate", "evaluate --model", "evaluate --model a.h5 --format xml",
      "evaluate --model a.h5 --batch-size 9223372036854775807", "predict --model a.h5",
      "predict --model a.h5 --output b.h5 --threads 100000000", "resume", "fly",
      "train --save-every-seconds 0 --checkpoints run", "train --save-every-seconds 3",
      "train --keep-newest 0 --checkpoints run", "train --keep-newest 2",
      "train --keep-every 0 --checkpoints run", "train --keep-best loss:0 --checkpoints run",
      "train --keep-best :2 --checkpoints run", "train --keep-best loss", "train --patience 2",
      "train --stop-early loss --patience=-1", "train --stop-early loss --mode up",
      "train --stop-early loss --min-delta=-1", "train --baseline 1", "verify-resume",
      "verify-resume a b c",
    ])
  func cairnUsage(line: String) throws {
    try expectUsageError(.cairn, line)
  }

  @Test(
    "ends checkpoint-inspect with exit code 64",
    arguments: [
      "show", "show a b c", "show a --format xml", "diff a", "diff a b --absolute=-1",
      "diff a b --relative nan", "restore a --into b", "restore a -o c",
      "restore a --into b -o c --only [", "fly",
      "bisect a --check metric --metric loss --above nan", "show a k[::0]", "show a k[x]",
    ])
  func inspectUsage(line: String) throws {
    try expectUsageError(.checkpointInspect, line)
  }

  @Test("is told with what was expected")
  func expectations() throws {
    let model = Fixture.path("keras-2.12/mlp.h5")
    let slice = try inspect("show", model, "dense/kernel[::0]")
    #expect(slice.errors.contains("expected indices, ranges and steps other than 0"))
    let open = try inspect("show", model, "dense/kernel[0:4, :")
    expectTrouble(open, "no tensor has this name; close the bracket of the slice with ]")
    expectTrouble(try inspect("show", ""), "found an empty name")
    let suffix = try inspect("convert", model, "x.h5", "--to", "keras3-archive")
    #expect(suffix.errors.contains("for keras3-archive it must end in .keras\n"))
    let weights = try inspect("convert", model, "x.weights.h5", "--to", "keras3-h5")
    #expect(weights.errors.contains("it must end in .h5, and not in .weights.h5\n"))
  }

  @Test("and what is done never lets a name steer the terminal")
  func terminalEscapes() throws {
    let folder = try TemporaryDirectory()
    let model = Fixture.path("keras-2.12/mlp.h5")
    let name = "\u{1B}[31m\nx"
    for arguments in [
      ["convert", model, "\(name).keras", "--to", "keras3-archive"],
      ["export", model, "\(name).safetensors"], ["show", "\(name).safetensors"],
      ["verify", "\(name).keras"], ["log", ".", "--format", "markdown"],
      ["diff", "\(name).keras", "\(name).none"],
    ] {
      let outcome = try BuiltProduct.checkpointInspect.run(arguments, in: folder.path)
      #expect(!(outcome.output + outcome.errors).contains("\u{1B}"), "\(arguments)")
      #expect(!(outcome.output + outcome.errors).contains("\nx"), "\(arguments)")
    }
  }

  private func expectUsageError(_ program: BuiltProduct, _ line: String) throws {
    let folder = try TemporaryDirectory()
    let outcome = try program.run(line.split(separator: " ").map(String.init), in: folder.path)
    #expect(outcome.exitCode == 64)
    #expect(outcome.output == "")
    #expect(outcome.errors.hasPrefix("Error: "))
    #expect(outcome.errors.contains("Usage: "))
    #expect(try folder.names() == [])
  }
}
