import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Verification") struct VerificationTests {
  static let profiles = [
    Profile(dialect: .keras2, layout: .wholeModel), Profile(dialect: .keras2, layout: .weights),
    Profile(dialect: .tfKeras, layout: .weights), Profile(dialect: .keras2, layout: .legacyWeights),
    Profile(dialect: .keras3, layout: .archive), Profile(dialect: .keras3, layout: .directory),
    Profile(dialect: .keras3, layout: .sharded),
  ]

  /// A checkpoint with slots, averages and a record of its run.
  private func checkpoint() throws -> Checkpoint {
    var checkpoint = try CheckpointReader(
      opening: KerasFixture("keras-2.12/mlp_ema").wholeModel
    ).load()
    checkpoint.resumption = ResumptionRecord(
      json: ["epoch": 3], arrays: [("history", Tensor([1.0, 2, 3]))])
    return checkpoint
  }

  /// One layer whose kernel takes 2.25 MiB.
  private func largeCheckpoint() throws -> Checkpoint {
    let model = try ModelConfiguration(
      parsing: """
        {"class_name": "Sequential", "config": {"name": "sequential", "layers": [
          {"class_name": "InputLayer",
           "config": {"batch_input_shape": [null, 768], "dtype": "float32", "name": "input"}},
          {"class_name": "Dense", "config": {"name": "dense", "units": 768, "use_bias": true,
            "activation": "linear", "dtype": "float32"}}]}}
        """, dialect: .keras2)
    return Checkpoint(
      model: model,
      variables: [
        Variable(
          id: VariableID(layer: ["dense"], index: 0), name: "dense/kernel",
          value: Tensor(repeating: 0.5, shape: [768, 768])),
        Variable(
          id: VariableID(layer: ["dense"], index: 1), name: "dense/bias",
          value: Tensor(repeating: 0.25, shape: [768])),
      ])
  }

  private static let whole = profiles[0]

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  private func change(_ path: String, _ change: (inout Data) throws -> Void) throws {
    var content = try bytes(path)
    try change(&content)
    try content.write(to: URL(fileURLWithPath: path))
  }

  /// Turns a bit of one byte.
  private func flip(_ path: String, at offset: Int, bit: Int = 3) throws {
    try change(path) { $0[offset] ^= 1 << bit }
  }

  private func item(_ name: String, of report: VerificationReport) throws -> VerificationReport.Item
  {
    try #require(report.items.first { $0.name == name })
  }

  /// Fails unless just these parts are damaged, and a load says so.
  private func expectDamage(
    _ path: String, _ names: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let report = try CheckpointReader.verify(path)
    #expect(report.damaged.map(\.name) == names, sourceLocation: sourceLocation)
    let error = try #require(
      throws: CheckpointError.self, sourceLocation: sourceLocation
    ) {
      _ = try CheckpointReader(opening: path).load()
    }
    #expect(error.kind == .damaged, "\(error)", sourceLocation: sourceLocation)
    #expect(!"\(error)".contains("\n"), sourceLocation: sourceLocation)
  }

  // MARK: - Whole files

  @Test(
    "what is saved is covered and whole, in every layout, by either algorithm",
    arguments: profiles, DigestAlgorithm.allCases)
  func intact(profile: Profile, algorithm: DigestAlgorithm) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    let saved = try checkpoint().reduced(to: profile).checkpoint
    try saved.save(to: path, profile: profile, maximumShardByteCount: 900, digests: algorithm)
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && report.isCovered)
    #expect(report.algorithm == algorithm)
    let entries = try CheckpointReader(opening: path).manifest.entries
    let record =
      saved.resumption == nil ? [] : ["/cairn/resumption/history", "/cairn/texts/resumption"]
    #expect(report.tensors.map(\.name) == entries.map(\.name) + record)
    #expect(report.roots.count == (profile.layout == .sharded ? 6 : 1))
    let documents = report.items.filter { $0.subject == .document }.map(\.name)
    let hasDocuments = [.archive, .directory].contains(profile.layout)
    let texts = saved.resumption == nil ? [] : ["/cairn/texts/resumption"]
    #expect(documents == texts + (hasDocuments ? ["metadata.json", "config.json"] : []))
    // Every tensor lies where the report says.
    for item in report.tensors {
      let entry = entries.first { $0.name == item.name }
      guard let entry, let offset = item.fileOffset, item.byteCount > 0 else { continue }
      let tensor = try CheckpointReader(opening: path).read(entry)
      let file = try bytes(item.file)[offset..<offset + item.byteCount]
      #expect(tensor.withUnsafeBytes { file.elementsEqual($0) })
    }
  }

  @Test("a checkpoint saved without digests is whole, and not covered")
  func without() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole, digests: nil)
    for path in [path, Fixture.path("keras-3.15/mlp.h5"), Fixture.path("exchange/x.npz")] {
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let report = try CheckpointReader.verify(path)
      #expect(report.isWhole && !report.isCovered && report.algorithm == nil)
      #expect(report.tensors.allSatisfy { $0.outcome == .notCovered })
    }
  }

  @Test("digests do not depend on the number of threads that write")
  func threads() throws {
    let folder = try TemporaryDirectory()
    for threads in [1, 4] {
      try largeCheckpoint().save(
        to: folder.file("\(threads).h5"), profile: Self.whole, threadCount: threads)
    }
    #expect(try bytes(folder.file("1.h5")) == bytes(folder.file("4.h5")))
    #expect(try CheckpointReader.verify(folder.file("1.h5"), threadCount: 3).isWhole)
  }

  // MARK: - Damage

  @Test("a byte of a tensor: this tensor, this block, and no other", arguments: profiles)
  func tensor(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    try checkpoint().reduced(to: profile).checkpoint
      .save(to: path, profile: profile, maximumShardByteCount: 900)
    for name in try CheckpointReader.verify(path).tensors.map(\.name) {
      let item = try item(name, of: CheckpointReader.verify(path))
      guard item.byteCount > 0 else { continue }
      let offset = try #require(item.fileOffset) + item.byteCount - 1
      try flip(item.file, at: offset)
      try expectDamage(path, [name])
      try flip(item.file, at: offset)
    }
    #expect(try CheckpointReader.verify(path).isWhole)
  }

  @Test("a block in the middle and the short one at the end are told by number and range")
  func blocks() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try largeCheckpoint().save(to: path, profile: Self.whole)
    let kernel = try item("dense/kernel", of: CheckpointReader.verify(path))
    let start = try #require(kernel.fileOffset)
    for offset in [1 << 20, (2 << 20) - 1, (2 << 20) + 5] { try flip(path, at: start + offset) }
    let found = try item("dense/kernel", of: CheckpointReader.verify(path))
    guard case .damaged(_, let blocks) = found.outcome else {
      Issue.record("not found")
      return
    }
    #expect(blocks.map(\.block) == [1, 2])
    #expect(blocks.map(\.bytes) == [1 << 20..<2 << 20, 2 << 20..<768 * 768 * 4])
    let error = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: path).load()
    }
    #expect("\(error)".contains("dense/kernel"))
    #expect("\(error)".contains("block 1 (bytes 1048576..<2097152)"))
    #expect("\(error)".contains("--no-verify"))
    // Other ways to read a whole tensor notice it, too.
    let reader = try CheckpointReader(opening: path)
    let entry = try #require(reader.manifest.entry(named: "dense/kernel"))
    #expect(throws: CheckpointError.self) { _ = try reader.sha256(of: entry) }
    #expect(throws: CheckpointError.self) {
      try reader.export(to: folder.file("x.npz"), format: .npz)
    }
    #expect(throws: CheckpointError.self) {
      _ = try CheckpointDiff(reader, CheckpointReader(opening: path))
    }
    // And what is asked for as it is, is given as it is.
    let unverified = try CheckpointReader(opening: path, verifying: false).load()
    #expect(unverified.variables[1].value.isIdentical(to: Tensor(repeating: 0.25, shape: [768])))
    // A sound tensor is read from a damaged file.
    let bias = try #require(reader.manifest.entry(named: "dense/bias"))
    _ = try reader.read(bias)
    #expect(try CheckpointReader.verify(path, only: [try #require(Glob("*bias"))]).isWhole)
  }

  @Test(
    "rows read alone are compared with the blocks that they touch, and with no other",
    arguments: [profiles[0], profiles[4], profiles[6]])
  func rows(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(profile.layout.fileSuffix)")
    let saved = try largeCheckpoint()
    try saved.save(to: path, profile: profile)
    // A row takes 3 KiB: row 341 lies across the end of block 0.
    let kernel = try item("dense/kernel", of: CheckpointReader.verify(path))
    try flip(kernel.file, at: try #require(kernel.fileOffset) + 1 << 20)
    let reader = try CheckpointReader(opening: path)
    let entry = try #require(reader.manifest.entries.first { $0.name == "dense/kernel" })
    for rows in [0..<341, 10..<11, 700..<768, 0..<0] {
      let tensor = try reader.read(entry, rows: rows)
      #expect(tensor.shape == [rows.count, 768])
      #expect(tensor.elements(of: Float.self).allSatisfy { $0 == 0.5 })
    }
    for rows in [341..<342, 500..<501, 0..<768, 682..<683] {
      let error = #expect(throws: CheckpointError.self) { _ = try reader.read(entry, rows: rows) }
      #expect(error?.kind == .damaged)
      #expect("\(error!)".contains("dense/kernel: block 1 (bytes 1048576..<2097152)"), "\(error!)")
    }
    let unverified = try CheckpointReader(opening: path, verifying: false)
    #expect(try unverified.read(entry, rows: 341..<342).shape == [1, 768])
    #expect(throws: CheckpointError.self) { _ = try reader.read(entry, rows: 700..<769) }
  }

  @Test("names, shapes, attributes, texts: a damaged structure is found before libhdf5 sees it")
  func structure() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let content = try bytes(path)
    func position(of pattern: Data) throws -> Int {
      try #require(content.range(of: pattern)?.lowerBound)
    }
    let extents = withUnsafeBytes(of: (UInt64(12).littleEndian, UInt64(5).littleEndian)) {
      Data($0)
    }
    let places = [
      0, 8, try position(of: Data("\"units\": 12".utf8)) + 9, try position(of: extents),
      try position(of: Data("model_weights".utf8)), try position(of: Data("resumption".utf8)),
      try position(of: Data("kernel:0".utf8)),
    ]
    for place in places {
      try flip(path, at: place, bit: 0)
      try expectDamage(path, ["structure"])
      try flip(path, at: place, bit: 0)
    }
  }

  @Test("the table of digests and the mark that leads to it")
  func table() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let table = try item("digests", of: CheckpointReader.verify(path))
    let start = try #require(table.fileOffset)
    for offset in [0, 8, 12, 70, 100, table.byteCount - 1] {
      try flip(path, at: start + offset)
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true)
      #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
      try flip(path, at: start + offset)
    }
    let end = try bytes(path).count
    for offset in [1, 12, 32] {
      try flip(path, at: end - offset)
      let report = try CheckpointReader.verify(path)
      #expect(report.damaged.map(\.name) == ["digests"])
      #expect(report.tensors.allSatisfy { $0.outcome == .intact || $0.name.hasPrefix("/cairn") })
      try flip(path, at: end - offset)
    }
  }

  @Test(
    "a document beside the tensors",
    arguments: [Layout.archive, .directory], ["config.json", "metadata.json"])
  func documents(layout: Layout, name: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x\(layout.fileSuffix)")
    try checkpoint().save(to: path, profile: Profile(dialect: .keras3, layout: layout))
    let file = layout == .directory ? "\(path)/\(name)" : path
    let text = Data((name == "config.json" ? "Sequential" : "3.15").utf8)
    let place = try #require(bytes(file).range(of: text, options: .backwards)?.lowerBound)
    try flip(file, at: place, bit: 0)
    let report = try CheckpointReader.verify(path)
    #expect(report.damaged.map(\.name) == [name])
    #expect(throws: CheckpointError.self) { _ = try CheckpointReader(opening: path) }
    if layout == .directory {
      try FileManager.default.removeItem(atPath: file)
      #expect(try CheckpointReader.verify(path).damaged.map(\.name) == [name])
    }
  }

  @Test("a file cut short anywhere", arguments: [whole, profiles[4]])
  func truncated(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x")
    try checkpoint().save(to: path, profile: profile)
    let content = try bytes(path)
    let cuts = [1, 31, 32, 33, 64, 500, content.count / 2, content.count - 600, content.count - 1]
    for cut in cuts {
      try content.dropLast(cut).write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "\(cut) bytes")
    }
  }

  /// xorshift64, so that the flips are the same in every run.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
  }

  @Test("any one bit of a whole-model file, a thousand of them: each is found")
  func flips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let content = try bytes(path)
    var generator = Generator(state: 42)
    for _ in 0..<1000 {
      var damaged = content
      let offset = Int.random(in: 0..<content.count, using: &generator)
      damaged[offset] ^= 1 << Int.random(in: 0..<8, using: &generator)
      try damaged.write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "byte \(offset)")
    }
  }

  @Test("any one bit of an archive around its members: each is found")
  func archiveFlips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.keras")
    try checkpoint().save(to: path, profile: Self.profiles[4])
    let report = try CheckpointReader.verify(path)
    #expect(try item("archive", of: report).outcome == .intact)
    let members = try ZipArchive(reading: path).members.map(\.data)
    let content = try bytes(path)
    let around = content.indices.filter { index in !members.contains { $0.contains(index) } }
    #expect(around.count == (try item("archive", of: report).byteCount))
    for (count, index) in around.enumerated() where count % 3 == 0 {
      var damaged = content
      damaged[index] ^= 1 << (count % 8)
      try damaged.write(to: URL(fileURLWithPath: path))
      let report = try? CheckpointReader.verify(path)
      #expect(report?.isWhole != true, "byte \(index)")
    }
  }

  @Test("any one bit of the map of shards: each is found, or changes nothing that it says")
  func mapFlips() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.weights.json")
    try checkpoint().save(to: path, profile: Self.profiles[6], maximumShardByteCount: 900)
    #expect(try item("map", of: CheckpointReader.verify(path)).outcome == .intact)
    let content = try bytes(path)
    for index in content.indices where index % 5 == 0 {
      var damaged = content
      damaged[index] ^= 1 << (index % 7)
      try damaged.write(to: URL(fileURLWithPath: path))
      guard let report = try? CheckpointReader.verify(path) else { continue }
      let isSpace = content[index] <= 0x20 && damaged[index] <= 0x20
      #expect(!report.isWhole || isSpace, "byte \(index)")
      #expect(try item("map", of: report).outcome != .intact, "byte \(index)")
    }
    // The same, spelled otherwise.
    let compact = String(decoding: content, as: UTF8.self).replacing("\n", with: "")
    try compact.write(toFile: path, atomically: false, encoding: .utf8)
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && report.isCovered)
    #expect(try item("map", of: report).outcome == .notCovered)
  }

  @Test(
    "an archive of Keras is compared with its own checksums",
    arguments: [
      "tf_keras-2.21/nested_twice", "tf_keras-2.21/resaved", "keras-3.15/unicode_names",
      "keras-3.15/mixed_precision",
    ])
  func archiveOfKeras(name: String) throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.keras")
    try FileManager.default.copyItem(
      atPath: Fixture.path("matrix/\(name).keras"), toPath: path)
    let whole = try CheckpointReader.verify(path)
    #expect(whole.isWhole && !whole.isCovered)
    #expect(try item("archive", of: whole).outcome == .notCovered)
    let weights = try #require(ZipArchive(reading: path)["model.weights.h5"])
    for offset in [weights.data.upperBound - 1, weights.headerOffset + 14] {
      try flip(path, at: offset)
      let report = try CheckpointReader.verify(path)
      #expect(report.damaged.map(\.name) == ["archive"], "byte \(offset)")
      try flip(path, at: offset)
    }
  }

  // MARK: - Files written since

  @Test("what another program writes into the file through libhdf5 is noticed")
  func rewritten() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().attributes.setString("by hand", for: "note") }
    try file.close()
    #expect(try CheckpointReader.verify(path).damaged.map(\.name) == ["digests"])
    // What it did not touch is still checked.
    _ = try CheckpointReader(opening: path).load()
    let again = try HDF5File.openForUpdate(path)
    do {
      let dataset = try again.root().openDataset("model_weights/dense/dense/bias:0")
      let zeros = [Float](repeating: 7, count: dataset.elementCount)
      try zeros.withUnsafeBytes { try dataset.write(from: $0) }
    }
    try again.close()
    try expectDamage(path, ["dense/bias", "digests"])
  }

  @Test("a file whose group is gone, as Keras writes it anew, is not covered")
  func dropped() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("x.h5")
    try checkpoint().save(to: path, profile: Self.whole)
    let file = try HDF5File.openForUpdate(path)
    do { try file.root().remove("cairn") }
    try file.close()
    let report = try CheckpointReader.verify(path)
    #expect(report.isWhole && !report.isCovered)
  }

  // MARK: - Rewriting

  @Test(
    "a restore into a covered checkpoint leaves it covered and whole, configuration included",
    arguments: profiles.filter { $0.layout != .legacyWeights })
  func restored(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let target = folder.file("target\(profile.layout.fileSuffix)")
    let output = folder.file("output\(profile.layout.fileSuffix)")
    try checkpoint().save(to: target, profile: profile, maximumShardByteCount: 900)
    var other = try checkpoint()
    for index in other.variables.indices {
      other.variables[index].value = Tensor(
        repeating: 0.125, shape: other.variables[index].value.shape)
    }
    other.optimizer?.configuration.learningRate = .constant(0.75)
    let source = folder.file("source.h5")
    try other.save(to: source, profile: Self.whole)
    // Damage that the target brings along must not be covered up.
    let bias = try item("average/dense/bias", of: CheckpointReader.verify(target))
    try flip(bias.file, at: try #require(bias.fileOffset))

    let reader = try CheckpointReader(opening: source)
    let opened = try CheckpointReader(opening: target)
    let plan = RestorePlan(
      source: reader.manifest, target: opened.manifest,
      selection: RestoreSelection(parts: [.weight, .configuration]))
    #expect(!plan.assignments.isEmpty && plan.takesConfiguration)
    try reader.restore(plan, into: opened, writing: output)
    let report = try CheckpointReader.verify(output)
    #expect(report.damaged.map(\.name) == ["average/dense/bias"])
    #expect(report.isCovered)
    #expect(report.roots != (try CheckpointReader.verify(target).roots))
  }

  @Test("a conversion computes digests anew, a verbatim copy keeps them", arguments: profiles)
  func converted(profile: Profile) throws {
    let folder = try TemporaryDirectory()
    let input = folder.file("input\(profile.layout.fileSuffix)")
    try checkpoint().reduced(to: profile).checkpoint
      .save(to: input, profile: profile, maximumShardByteCount: 900)
    let copy = folder.file("copy\(profile.layout.fileSuffix)")
    try CheckpointReader(opening: input).convert(to: profile, writing: copy)
    let report = try CheckpointReader.verify(copy)
    #expect(report.isWhole && report.isCovered)
    #expect(report.roots == (try CheckpointReader.verify(input).roots))
    let other = folder.file("other.weights.h5")
    let weights = Profile(dialect: .keras3, layout: .weights)
    try CheckpointReader(opening: input).convert(to: weights, writing: other)
    #expect(try CheckpointReader.verify(other).isCovered)
  }

  // MARK: - Folders

  @Test("the checkpoints of a folder come newest first, shards with their map")
  func folders() throws {
    let folder = try TemporaryDirectory()
    let checkpoint = try checkpoint()
    for step in [5, 40] {
      try checkpoint.save(to: folder.file("step-\(step).h5"), profile: Self.whole)
    }
    let sharded = Profile(dialect: .keras3, layout: .sharded)
    try checkpoint.save(to: folder.file("x.weights.json"), profile: sharded)
    let directory = Profile(dialect: .keras3, layout: .directory)
    try checkpoint.save(to: folder.file("y"), profile: directory)
    try Data().write(to: URL(fileURLWithPath: folder.file("notes.txt")))
    let found = try #require(try CheckpointReader.checkpoints(inFolder: folder.path))
    #expect(
      found == ["step-40.h5", "step-5.h5", "y", "x.weights.json"].map { folder.file($0) })
    #expect(try CheckpointReader.checkpoints(inFolder: folder.file("y")) == nil)
    #expect(try CheckpointReader.checkpoints(inFolder: folder.file("step-5.h5")) == nil)
  }
}
