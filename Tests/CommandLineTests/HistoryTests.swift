import Foundation
import HDF5
import TestSupport
import Testing

/// A run of 12 steps that saves every second, in `folder`/run.
private func run(in folder: borrowing TemporaryDirectory) throws -> String {
  expectSuccess(
    try cairn(
      "train", "--epochs", "1", "--batch-size", "128", "--seed", "3", "--save-every-steps", "2",
      "--checkpoints", folder.file("run"), "--output", folder.file("out.h5"),
      "--history", folder.file("losses.csv")))
  return folder.file("run")
}

private func file(_ run: String, _ step: Int) -> String {
  "\(run)/step-" + String(repeating: "0", count: 12 - "\(step)".count) + "\(step).h5"
}

private let bias = "model_weights/dense/dense/bias:0"

/// Puts a number into the first element of a bias of a checkpoint.
private func setBias(of path: String, to value: Float) throws {
  try DataFiles.altered(path, as: path + ".new") { root in
    let dataset = try root.openDataset(bias)
    var numbers = [Float](repeating: 0, count: 128)
    try numbers.withUnsafeMutableBytes { try dataset.read(into: $0) }
    numbers[0] = value
    try numbers.withUnsafeBytes { try dataset.write(from: $0) }
  }
  try FileManager.default.removeItem(atPath: path)
  try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
}

private struct Log: Decodable {
  struct Line: Decodable {
    let path: String
    let step: Int?
    let loss: Double?
    let weightNorm: Double?
    let largestChange: Double?
    let largestChangeName: String?
    let nonFiniteCount: Int?
    let marks: [String]
    let trouble: String?
  }
  let schemaVersion: Int
  let checkpoints: [Line]

  init(_ arguments: String...) throws {
    let outcome = try BuiltProduct.checkpointInspect.run(
      ["log"] + arguments + ["--format", "json"])
    expectSuccess(outcome)
    self = try JSONDecoder().decode(Self.self, from: Data(outcome.output.utf8))
  }
}

@Suite("checkpoint-inspect log")
struct LogTests {
  @Test("has a line for each checkpoint, with the change since the one before")
  func lines() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    let log = try Log(run)
    #expect(log.checkpoints.map(\.step) == [2, 4, 6, 8, 10, 12])
    #expect(
      log.checkpoints.map(\.largestChange).map { $0 == nil } == [true]
        + Array(repeating: false, count: 5))
    #expect(log.checkpoints.allSatisfy { $0.marks.isEmpty && $0.nonFiniteCount == 0 })
    #expect(log.checkpoints[1].largestChangeName?.hasSuffix("kernel") == true)
    let losses = log.checkpoints.compactMap(\.loss)
    #expect(losses.count == 6 && losses.first! > losses.last!)
    let text = try inspect("log", run, "--newest-first")
    expectSuccess(text)
    #expect(text.outputLines[1].hasPrefix("  12  "))
    #expect(text.outputLines.last == "6 checkpoints")
  }

  @Test("tells the mean of the losses since the checkpoint before")
  func losses() throws {
    let folder = try TemporaryDirectory()
    let log = try Log(try run(in: folder), "--no-tensors")
    let losses = try #require(
      String(data: contents(of: folder.file("losses.csv")), encoding: .utf8)
    )
    .split(separator: "\n").dropFirst().map { try #require(Double($0.split(separator: ",")[2])) }
    try #require(losses.count == 12)
    for (index, line) in log.checkpoints.enumerated() {
      let mean = (losses[2 * index] + losses[2 * index + 1]) / 2
      #expect(abs(try #require(line.loss) - mean) < 1e-6 * mean)
    }
  }

  @Test("marks NaN and spikes, and gives a damaged checkpoint a line, not a failure")
  func marks() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    try setBias(of: file(run, 12), to: 1000)
    try setBias(of: file(run, 2), to: .nan)
    let damaged = file(run, 4)
    try contents(of: damaged).prefix(5000).write(to: URL(filePath: damaged))
    // Their digests are no longer those of their elements.
    let log = try Log(run, "--no-verify")
    #expect(log.checkpoints.first?.marks == ["notFinite"])
    #expect(log.checkpoints.first?.nonFiniteCount == 1)
    #expect(log.checkpoints[1].trouble?.contains("cut short") == true)
    #expect(log.checkpoints[1].step == nil)
    let json = try inspect("log", run, "--no-verify", "--format", "json").output
    #expect(try JSONSchema(named: "log").problems(in: json) == [])
    #expect(log.checkpoints.last?.largestChangeName == "dense/bias")
    let text = try inspect("log", run, "--no-verify")
    #expect(text.exitCode == 0)
    #expect(text.output.contains("1 not finite, first in dense/bias"))
    #expect(text.outputLines.last == "6 checkpoints, 1 marked, 1 cannot be read")
  }

  @Test("without tensors reads none: damage in one is not found")
  func brief() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    try setBias(of: file(run, 2), to: .nan)
    let log = try Log(run, "--no-tensors")
    #expect(log.checkpoints.allSatisfy { $0.weightNorm == nil && $0.nonFiniteCount == nil })
    #expect(log.checkpoints.allSatisfy { $0.loss != nil })
  }

  @Test("of a folder without checkpoints is trouble")
  func empty() throws {
    let folder = try TemporaryDirectory()
    expectTrouble(
      try inspect("log", folder.path), folder.path, "expected a folder with checkpoints")
  }
}

@Suite("checkpoint-inspect bisect")
struct BisectTests {
  @Test("finds the first checkpoint with a NaN, and says which passes before it")
  func notFinite() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    for step in [8, 10, 12] { try setBias(of: file(run, step), to: .nan) }
    let outcome = try inspect("bisect", run, "--check", "nan", "--no-verify")
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.output == """
        \(file(run, 2))  passes
        \(file(run, 12))  fails: 1 element, first in dense/bias
        \(file(run, 6))  passes
        \(file(run, 8))  fails: 1 element, first in dense/bias
        first to fail: \(file(run, 8))
        \(file(run, 6)), the one before it, passes; 4 of 6 checkpoints looked at

        """)
    #expect(
      try inspect("bisect", run, "--check", "nan", "--no-verify", "--exclude", "*bias").exitCode
        == 0)
  }

  @Test("goes by a command's exit code: 125 leaves open, beyond 127 ends the search")
  func command() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    func bisect(_ script: String) throws -> Outcome {
      try inspect("bisect", run, "--", "sh", "-c", "echo looked; " + script, "sh", "{}")
    }
    let found = try bisect("case $1 in *06.h5) exit 125;; *08.h5|*10.h5|*12.h5) exit 3;; esac")
    #expect(found.exitCode == 2)
    #expect(found.output.contains("not decided: the first to fail is one of these"))
    #expect(found.outputLines.suffix(2) == ["  \(file(run, 6))", "  \(file(run, 8))"])
    #expect(!found.output.contains("looked\n"))
    let decided = try bisect("case $1 in *06.h5) exit 125;; *10.h5|*12.h5) exit 3;; esac")
    #expect(decided.exitCode == 1)
    #expect(decided.output.contains("first to fail: \(file(run, 10))\n"))
    #expect(try bisect("exit 0").exitCode == 0)
    let oldest = try bisect("exit 1")
    #expect(oldest.exitCode == 1)
    #expect(oldest.output.contains("it is the oldest"))
    let ended = try bisect("exit 200")
    #expect(ended.exitCode == 2)
    #expect(ended.errors.contains("expected an exit code from 0 to 127, found 200"))
    expectTrouble(
      try inspect("bisect", run, "--", "no-such-program", "{}"), "no-such-program",
      "expected a program that can be started")
    #expect(try inspect("bisect", run, "--", "true").exitCode == 64)
    #expect(try inspect("bisect", run).exitCode == 64)
  }

  @Test("looks at recorded values, and for weights that no longer change")
  func metric() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    let losses = try Log(run).checkpoints.compactMap(\.loss)
    #expect(losses.count == 6)
    let none = try inspect("bisect", run, "--check", "metric", "--metric", "loss", "--above", "99")
    #expect(none.exitCode == 0)
    // One name, one meaning: each has the value that the log has, that of the oldest too.
    for name in ["loss", "greatestLoss", "lastLoss"] {
      let log = try inspect("log", run, "--format", "json")
      let report = try JSONSerialization.jsonObject(with: Data(log.output.utf8)) as? [String: Any]
      let entries = try #require(report?["checkpoints"] as? [[String: Any]])
      let bisect = try inspect(
        "bisect", run, "--check", "metric", "--metric", name, "--above", "1e9")
      for entry in [try #require(entries.first), try #require(entries.last)] {
        let value = try #require(entry[name] as? Double)
        let path = try #require(entry["path"] as? String)
        let line = try #require(bisect.outputLines.first { $0.hasPrefix(path) })
        let printed = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        #expect(abs(printed - value) <= 1e-5 * value, "\(line): \(value)")
      }
    }
    let unknown = try inspect("bisect", run, "--check", "metric", "--metric", "f1", "--above", "1")
    #expect(unknown.exitCode == 2)
    #expect(unknown.output.contains("it records no f1"))
    #expect(try inspect("bisect", run, "--check", "frozen").exitCode == 0)
    try FileManager.default.removeItem(atPath: file(run, 12))
    try FileManager.default.copyItem(atPath: file(run, 10), toPath: file(run, 12))
    let frozen = try inspect("bisect", run, "--check", "frozen")
    #expect(frozen.exitCode == 1)
    #expect(frozen.output.contains("first to fail: \(file(run, 12))\n"))
  }
}

extension BisectTests {
  @Test("finds the one step that no training makes, though what comes after it is possible again")
  func impossibleStep() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    let none = try inspect("bisect", run, "--check", "impossible-step")
    #expect(none.exitCode == 0)
    #expect(none.outputLines.count == 7)
    #expect(none.outputLines[1] == "\(file(run, 4))  passes: 2 steps apart")
    // All from step 6 on have another bias, so that halving would find nothing between 8 and 12.
    for step in [6, 8, 10, 12] { try setBias(of: file(run, step), to: 7) }
    let found = try inspect("bisect", run, "--check", "impossible-step", "--no-verify")
    #expect(found.exitCode == 1)
    #expect(found.output.contains("fails: dense/bias[0] moved by"))
    #expect(
      found.output.hasSuffix(
        """
        first to fail: \(file(run, 6))
        \(file(run, 4)), the one before it, passes; 3 of 6 checkpoints looked at

        """))
    // One that cannot be read is passed over: the next is judged by the last that passed.
    try Data().write(to: URL(filePath: file(run, 4)))
    let open = try inspect("bisect", run, "--check", "impossible-step", "--no-verify")
    #expect(open.exitCode == 2)
    #expect(open.outputLines.suffix(2) == ["  \(file(run, 4))", "  \(file(run, 6))"])
    let spared = try inspect(
      "bisect", run, "--check", "impossible-step", "--no-verify", "--exclude", "dense/bias")
    #expect(spared.exitCode == 0)
    #expect(
      try inspect("bisect", run, "--check", "nan", "--occurrences", "3").exitCode == 64)
  }

  @Test("leaves open what no accumulator tells")
  func notProvable() throws {
    let folder = try TemporaryDirectory()
    for step in [1, 2] {
      try FileManager.default.copyItem(
        atPath: Fixture.path("keras-2.12/adam.h5"), toPath: folder.file("model-\(step).h5"))
    }
    let outcome = try inspect("bisect", folder.path, "--check", "impossible-step")
    #expect(outcome.exitCode == 2)
    #expect(outcome.output.contains("not decided: not provable: the optimizer of the first file"))
  }
}

@Suite("checkpoint-inspect watch")
struct WatchTests {
  @Test("prints the newest at once and a line for each that is committed, until a step is reached")
  func untilStep() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    let late = [10, 12].map { (file(run, $0), folder.file("late-\($0).h5")) }
    for (path, aside) in late { try FileManager.default.moveItem(atPath: path, toPath: aside) }
    let script = """
      : > "$2/lines"  # there before it is looked at
      "$0" watch "$1" --until-step 12 --timeout 60 --format csv >> "$2/lines" & watcher=$!
      until [ "$(wc -l < "$2/lines")" -ge 2 ]; do sleep 0.01; done
      mv "$2/late-10.h5" "$1/step-000000000010.h5"
      until [ "$(wc -l < "$2/lines")" -ge 3 ]; do sleep 0.01; done
      cp "$2/late-12.h5" "$1/step-000000000012.h5"
      wait $watcher
      """
    let outcome = try BuiltProduct.checkpointInspect.runInShell(script, [run, folder.path])
    #expect(outcome.exitCode == 0)
    #expect(outcome.errors == "")
    let lines = try text(of: folder.file("lines")).split(separator: "\n")
    let steps = lines.dropFirst().map {
      $0.split(separator: ",", omittingEmptySubsequences: false)[1]
    }
    #expect(steps == ["8", "10", "12"])
  }

  @Test("ends when its time is over, and on SIGINT, with its report whole")
  func ends() throws {
    let folder = try TemporaryDirectory()
    let run = try run(in: folder)
    #expect(try inspect("watch", run, "--timeout", "0.05").exitCode == 0)
    #expect(try inspect("watch", run, "--timeout", "0.05", "--until-step", "99").exitCode == 1)
    let script = """
      "$0" watch "$1" --format json > "$2/report" & watcher=$!
      sleep 0.5
      kill -INT $watcher
      wait $watcher
      """
    let outcome = try BuiltProduct.checkpointInspect.runInShell(script, [run, folder.path])
    #expect(outcome.exitCode == 130)
    let report = try JSONSerialization.jsonObject(with: contents(of: folder.file("report")))
    #expect(((report as? [String: Any])?["checkpoints"] as? [Any])?.count == 1)
    expectTrouble(
      try inspect("watch", folder.file("none")), folder.file("none"), "expected a folder")
  }
}
