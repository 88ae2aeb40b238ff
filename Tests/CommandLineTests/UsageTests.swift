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
    ])
  func inspectUsage(line: String) throws {
    try expectUsageError(.checkpointInspect, line)
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
