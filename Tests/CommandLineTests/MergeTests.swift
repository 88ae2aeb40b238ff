import Foundation
import HDF5
import TestSupport
import Testing

@Suite("checkpoint-inspect merge")
struct MergeTests {
  private static let base = Fixture.path("keras-2.12/embedding.h5")
  private static let table = "model_weights/tokens/tokens/embeddings:0"
  private static let accumulator = "optimizer_weights/Adagrad/accumulator/tokens/embeddings:0"
  private static let kernel = "model_weights/verdict/verdict/kernel:0"
  private static let bias = "model_weights/verdict/verdict/bias:0"
  private static let iteration = "optimizer_weights/iteration:0"

  /// A copy of the base in which each named element of datasets is larger by 0.5, and the count of
  /// updates by some.
  private func side(
    _ name: String, adding elements: [String: [Int]], updates: Int64,
    in folder: borrowing TemporaryDirectory
  ) throws -> String {
    try DataFiles.altered(Self.base, as: folder.file(name)) { root in
      for (path, indices) in elements {
        var numbers = try Self.numbers(path, root)
        for index in indices { numbers[index] += 0.5 }
        try numbers.withUnsafeBytes { try root.openDataset(path).write(from: $0) }
      }
      var count = [Int64(0)]
      try count.withUnsafeMutableBytes { try root.openDataset(Self.iteration).read(into: $0) }
      count[0] += updates
      try count.withUnsafeBytes { try root.openDataset(Self.iteration).write(from: $0) }
    }
    return folder.file(name)
  }

  private static func numbers(_ path: String, _ root: borrowing HDF5Group) throws -> [Float] {
    let dataset = try root.openDataset(path)
    var numbers = [Float](repeating: 0, count: dataset.byteCount / 4)
    try numbers.withUnsafeMutableBytes { try dataset.read(into: $0) }
    return numbers
  }

  private static func numbers(_ path: String, of file: String) throws -> [Float] {
    let file = try HDF5File.open(file)
    let numbers = try numbers(path, file.root())
    try file.close()
    return numbers
  }

  private static func trainingConfiguration(of path: String) throws -> String {
    let file = try HDF5File.open(path)
    let text = try file.root().attributes.string("training_config")
    try file.close()
    return text
  }

  @Test("takes rows of tables and whole tensors from the side that changed them, and adds growths")
  func disjoint() throws {
    let folder = try TemporaryDirectory()
    let ours = try side(
      "ours.h5", adding: [Self.table: [8], Self.accumulator: [8, 16], Self.bias: [0]],
      updates: 3, in: folder)
    let theirs = try side(
      "theirs.h5", adding: [Self.table: [17], Self.accumulator: [16, 17], Self.kernel: [0]],
      updates: 4, in: folder)
    let merged = folder.file("merged.h5")
    let outcome = try inspect("merge", Self.base, ours, theirs, "-o", merged)
    expectSuccess(outcome)
    #expect(outcome.output.contains("combined: 1 rows from ours, 1 from theirs"))
    let expected: [(String, [Int: Float])] = [
      (Self.table, [8: 0.5, 17: 0.5]), (Self.accumulator, [8: 0.5, 16: 1, 17: 0.5]),
      (Self.bias, [0: 0.5]), (Self.kernel, [0: 0.5]),
    ]
    for (path, growths) in expected {
      var numbers = try Self.numbers(path, of: Self.base)
      for (index, growth) in growths { numbers[index] += growth }
      let found = try Self.numbers(path, of: merged)
      for index in numbers.indices {
        // One rounding of a sum in double against up to two in float.
        #expect(abs(found[index] - numbers[index]) <= 2 * numbers[index].ulp, "\(path) \(index)")
      }
    }
    #expect(try Shown(merged).optimizer?.iterations == 5 + 3 + 4)
    // The same whichever side is named first.
    let other = folder.file("other.h5")
    expectSuccess(try inspect("merge", Self.base, theirs, ours, "-o", other))
    #expect(try differences(merged, other).isEmpty)
  }

  @Test("lists what both sides changed, and writes nothing unless a strategy decides")
  func conflicts() throws {
    let folder = try TemporaryDirectory()
    let ours = try side(
      "ours.h5", adding: [Self.table: [8, 80], Self.kernel: [1]], updates: 1, in: folder)
    let theirs = try side(
      "theirs.h5", adding: [Self.table: [9, 17], Self.kernel: [2]], updates: 1, in: folder)
    let merged = folder.file("merged.h5")
    let before = try snapshot(of: folder.path)
    let refused = try inspect("merge", Self.base, ours, theirs, "-o", merged)
    #expect(refused.exitCode == 1)
    #expect(refused.errors == "")
    #expect(
      refused.output.contains(
        "conflict: both sides changed it, 1 of 30 rows (1), |ours| 0.707107, |theirs| 0.707107"))
    #expect(refused.outputLines.last?.hasPrefix("2 conflicts: ") == true)
    let json = try inspect("merge", Self.base, ours, theirs, "-o", merged, "--format", "json")
    #expect(try JSONSchema(named: "merge").problems(in: json.output) == [])
    #expect(try snapshot(of: folder.path) == before)

    let start = try Self.numbers(Self.table, of: Self.base)
    for (strategy, eight, nine) in [
      ("ours", 0.5, 0.0), ("theirs", 0, 0.5), ("average", 0.25, 0.25), ("sum-of-changes", 0.5, 0.5),
    ] as [(String, Float, Float)] {
      expectSuccess(
        try inspect(
          "merge", Self.base, ours, theirs, "-o", merged, "--strategy", strategy, "--force"))
      let found = try Self.numbers(Self.table, of: merged)
      #expect(abs(found[8] - start[8] - eight) < 1e-6, "\(strategy)")
      #expect(abs(found[9] - start[9] - nine) < 1e-6, "\(strategy)")
      // Rows that one side alone changed come from there.
      #expect(found[80] == start[80] + 0.5 && found[17] == start[17] + 0.5)
    }
    #expect(try snapshot(of: folder.path).filter { $0.key != "merged.h5" } == before)
  }

  @Test("a strategy that takes a side takes its accumulators with its weights")
  func sides() throws {
    let folder = try TemporaryDirectory()
    let ours = try side(
      "ours.h5", adding: [Self.table: [8], Self.accumulator: [8]], updates: 1, in: folder)
    let theirs = try side(
      "theirs.h5", adding: [Self.table: [9], Self.accumulator: [9, 17]], updates: 1, in: folder)
    let merged = folder.file("merged.h5")
    expectSuccess(
      try inspect("merge", Self.base, ours, theirs, "-o", merged, "--strategy", "ours"))
    let (start, found) = (
      try Self.numbers(Self.accumulator, of: Self.base),
      try Self.numbers(Self.accumulator, of: merged)
    )
    #expect(found[8] == start[8] + 0.5)
    #expect(found[9] == start[9])
    #expect(found[17] == start[17] + 0.5)
  }

  @Test("an accumulator that fell has no growth to add, and is a conflict")
  func falling() throws {
    let folder = try TemporaryDirectory()
    // Seen from the larger ones as the base, both sides fell.
    let larger = try side(
      "base.h5", adding: [Self.accumulator: [0, 1]], updates: 0, in: folder)
    let ours = try side("ours.h5", adding: [Self.accumulator: [0]], updates: 1, in: folder)
    let theirs = try side("theirs.h5", adding: [Self.accumulator: [1]], updates: 1, in: folder)
    let outcome = try inspect(
      "merge", larger, ours, theirs, "-o", folder.file("merged.h5"), "--strategy", "average")
    #expect(outcome.exitCode == 1)
    #expect(outcome.output.contains("smaller than in base on some side"))
  }

  @Test("settings merge one by one: what both changed otherwise is a conflict")
  func settings() throws {
    let folder = try TemporaryDirectory()
    func with(_ name: String, _ changes: [(String, String)]) throws -> String {
      try DataFiles.altered(Self.base, as: folder.file(name)) { root in
        var text = try root.attributes.string("training_config")
        for (old, new) in changes {
          #expect(text.contains(old))
          text = text.replacing(old, with: new)
        }
        try root.attributes.setString(text, for: "training_config")
      }
      return folder.file(name)
    }
    let epsilon = ("\"epsilon\": 1e-07", "\"epsilon\": 0.001")
    let clip = ("\"clipnorm\": null", "\"clipnorm\": 2.0")
    let merged = folder.file("merged.h5")
    let ours = try with("ours.h5", [epsilon])
    let theirs = try with("theirs.h5", [clip])
    expectSuccess(try inspect("merge", Self.base, ours, theirs, "-o", merged))
    let text = try Self.trainingConfiguration(of: merged)
    #expect(text.contains(epsilon.1) && text.contains(clip.1))

    let other = try with("other.h5", [("\"epsilon\": 1e-07", "\"epsilon\": 0.01")])
    let conflict = try inspect("merge", Self.base, ours, other, "-o", merged, "--force")
    #expect(conflict.exitCode == 1)
    #expect(conflict.output.contains("epsilon  conflict: 1e-07 in base, 0.001, 0.01"))
    expectSuccess(
      try inspect("merge", Self.base, ours, other, "-o", merged, "--force", "--settings", "theirs"))
    let chosen = try Self.trainingConfiguration(of: merged)
    #expect(chosen.contains("\"epsilon\": 0.01"))
  }

  @Test("writes another profile, with digests that hold, and refuses an input or a file as output")
  func output() throws {
    let folder = try TemporaryDirectory()
    let ours = try side("ours.h5", adding: [Self.table: [8]], updates: 1, in: folder)
    let theirs = try side("theirs.h5", adding: [Self.table: [17]], updates: 1, in: folder)
    let plain = folder.file("merged.h5")
    let archive = folder.file("merged.keras")
    expectSuccess(try inspect("merge", Self.base, ours, theirs, "-o", plain))
    expectSuccess(
      try inspect(
        "merge", Self.base, ours, theirs, "-o", archive, "--profile", "keras3-archive"))
    #expect(try differences(plain, archive).isEmpty)
    expectSuccess(try inspect("verify", archive, "--require-digests"))
    expectTrouble(try inspect("merge", Self.base, ours, theirs, "-o", plain), plain, "--force")
    expectTrouble(
      try inspect("merge", Self.base, ours, theirs, "-o", ours, "--force"), "one of the inputs")
    #expect(
      try folder.names() == ["merged.h5", "merged.keras", "ours.h5", "theirs.h5"])
  }
}
