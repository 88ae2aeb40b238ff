import Foundation
import TestSupport
import Testing

/// What `doctor --format json` says, as far as tests ask.
private struct Doctor: Decodable {
  struct Tensor: Decodable {
    let name: String
    let datasetPath: String
    let verdict: String
    let reason: String
  }

  struct Rescue: Decodable {
    struct Tensor: Decodable {
      let name: String
      let source: String
      let detail: String?
    }

    let tensors: [Tensor]
    let notes: [String]
  }

  let isWhole: Bool
  let refusal: String?
  let structure: String
  let notes: [String]
  let tensors: [Tensor]
  let rescue: Rescue?

  init(_ path: String, _ options: String..., exitCode: Int32 = 1) throws {
    let outcome = try BuiltProduct.checkpointInspect.run(
      ["doctor", path, "--format", "json"] + options)
    try #require(outcome.exitCode == exitCode, "\(outcome.errors)")
    self = try JSONDecoder().decode(Self.self, from: Data(outcome.output.utf8))
  }

  /// How many tensors have each verdict.
  var counts: [String: Int] { Dictionary(tensors.map { ($0.verdict, 1) }, uniquingKeysWith: +) }

  func verdict(_ name: String) -> String? { tensors.first { $0.name == name }?.verdict }
}

/// A checkpoint with digests, its damaged copies, and what its tensors were.
///
/// A class: a noncopyable value must not throw once a part of it is made.
private final class Patient {
  let folder: TemporaryDirectory
  let whole: String
  let digests: [String: String]
  private let suffix: String

  init(_ profile: String = "keras2-h5", suffix: String = ".h5") throws {
    folder = try TemporaryDirectory()
    self.suffix = suffix
    // Another profile than the fixture's own first, so that Cairn writes the file and its digests.
    let other = folder.file("other.weights.h5")
    whole = folder.file("whole\(suffix)")
    expectSuccess(
      try inspect("convert", Fixture.path("keras-2.12/mlp.h5"), other, "--to", "tf-keras-weights"))
    expectSuccess(try inspect("convert", other, whole, "--to", profile))
    digests = try Shown(whole).digests
  }

  /// A copy after a change of its bytes.
  func damaged(_ change: (inout Data) throws -> Void) throws -> String {
    let path = folder.file("damaged\(suffix)")
    var data = try contents(of: whole)
    try change(&data)
    try data.write(to: URL(filePath: path))
    return path
  }

  /// Where a tensor's elements lie in the file, as `verify` tells it.
  func place(_ name: String) throws -> Range<Int> {
    struct Verified: Decodable {
      struct Item: Decodable {
        let name: String
        let fileOffset: Int?
        let byteCount: Int
      }
      let items: [Item]
    }
    let output = try inspect("verify", whole, "--format", "json").output
    let verified = try JSONDecoder().decode(Verified.self, from: Data(output.utf8))
    let item = try #require(verified.items.first { $0.name == name })
    let offset = try #require(item.fileOffset)
    return offset..<offset + item.byteCount
  }

  var output: String { folder.file("saved\(suffix)") }

  /// Fails unless the rescued file opens, verifies, and has just these tensors other than the whole one.
  func expectRescued(
    differing names: Set<String> = [], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let saved = try Shown(output).digests
    #expect(Set(saved.keys) == Set(digests.keys), sourceLocation: sourceLocation)
    let others = digests.keys.filter { saved[$0] != digests[$0] }
    #expect(Set(others) == names, sourceLocation: sourceLocation)
    #expect(try inspect("verify", output).exitCode == 0, sourceLocation: sourceLocation)
  }
}

@Suite("doctor") struct DoctorTests {
  @Test("finds nothing wrong with a whole file, and proves every tensor by its digests")
  func whole() throws {
    let patient = try Patient()
    let doctor = try Doctor(patient.whole, exitCode: 0)
    #expect(doctor.isWhole && doctor.refusal == nil && doctor.structure == "intact")
    #expect(doctor.counts == ["intact": patient.digests.count])
  }

  @Test("can prove nothing about a file of Keras, and finds nothing against it")
  func keras() throws {
    let doctor = try Doctor(Fixture.path("keras-2.12/mlp.h5"), exitCode: 0)
    #expect(doctor.structure == "notCovered")
    #expect(Set(doctor.counts.keys) == ["plausible"])
  }

  @Test("one turned bit damages one tensor, and the others are saved")
  func turnedBit() throws {
    let patient = try Patient()
    let place = try patient.place("dense/kernel")
    let path = try patient.damaged { $0[place.lowerBound + 100] ^= 4 }
    let doctor = try Doctor(path)
    #expect(doctor.verdict("dense/kernel") == "damaged")
    #expect(doctor.counts == ["damaged": 1, "intact": patient.digests.count - 1])

    let refused = try inspect("doctor", path, "--rescue", patient.output)
    #expect(refused.exitCode == 2)
    #expect(
      refused.errors.contains("dense/kernel (damaged)") && refused.errors.contains("--fill-from"))
    #expect(refused.output.contains("dense/kernel"))
    #expect(!FileManager.default.fileExists(atPath: patient.output))

    let rescue = try #require(
      try Doctor(
        path, "--rescue", patient.output, "--fill-from", patient.whole, exitCode: 0
      ).rescue)
    #expect(rescue.tensors.filter { $0.source != "own" }.map(\.name) == ["dense/kernel"])
    try patient.expectRescued()
  }

  @Test("a superblock that is gone is written anew, and a rescue needs no older file")
  func lostSuperblock() throws {
    let patient = try Patient()
    let path = try patient.damaged { $0.resetBytes(in: 0..<96) }
    let doctor = try Doctor(path)
    #expect(doctor.refusal != nil && doctor.structure == "damaged")
    #expect(doctor.counts == ["intact": patient.digests.count])
    _ = try Doctor(path, "--rescue", patient.output, exitCode: 0)
    try patient.expectRescued()
  }

  @Test("where all structure is gone, the digests' places lead to the tensors")
  func lostStructure() throws {
    let patient = try Patient()
    let first = try patient.place("dense/kernel").lowerBound
    let path = try patient.damaged { $0.resetBytes(in: 0..<min(4096, first)) }
    let doctor = try Doctor(path)
    #expect(doctor.counts == ["intact": patient.digests.count])
    #expect(doctor.tensors.allSatisfy { $0.reason.contains("shape and type are lost") })
    let refused = try inspect("doctor", path, "--rescue", patient.output, "--fill", "zeros")
    #expect(refused.exitCode == 2 && refused.errors.contains("shape and type"))
    let rescue = try #require(
      try Doctor(
        path, "--rescue", patient.output, "--fill-from", patient.whole, exitCode: 0
      ).rescue)
    #expect(rescue.tensors.allSatisfy { $0.source == "own" })
    #expect(rescue.notes.contains { $0.contains("structure") })
    try patient.expectRescued()
  }

  @Test("of a file cut short, what lies before the cut is saved", arguments: [0.3, 0.6, 0.9])
  func cutShort(share: Double) throws {
    let patient = try Patient()
    let path = try patient.damaged { $0 = $0.prefix(Int(Double($0.count) * share)) }
    let doctor = try Doctor(path)
    #expect(doctor.notes.contains { $0.contains("cut short") })
    #expect(doctor.verdict("dense/kernel") != "intact", "no digest is left that could prove it")
    _ = try Doctor(
      path, "--rescue", patient.output, "--fill-from", patient.whole, exitCode: 0)
    try patient.expectRescued()
  }

  @Test("an archive without its directory is read by its members' own headers")
  func lostDirectory() throws {
    let patient = try Patient("keras3-archive", suffix: ".keras")
    let path = try patient.damaged { $0.removeLast(120) }
    let doctor = try Doctor(path)
    #expect(doctor.refusal?.contains("directory") == true)
    #expect(doctor.counts == ["intact": patient.digests.count])
    _ = try Doctor(path, "--rescue", patient.output, exitCode: 0)
    try patient.expectRescued()
  }

  @Test(
    "an archive of which nothing but the tensors and their digests is left is put together again")
  func lostHeader() throws {
    let patient = try Patient("keras3-archive", suffix: ".keras")
    let path = try patient.damaged { $0.resetBytes(in: 0..<700) }
    #expect(try Doctor(path).counts == ["intact": patient.digests.count])
    _ = try Doctor(
      path, "--rescue", patient.output, "--fill-from", patient.whole, exitCode: 0)
    try patient.expectRescued()
  }

  @Test("a folder is rescued as a folder")
  func folder() throws {
    let patient = try Patient("keras3-directory", suffix: "")
    let path = "\(patient.whole)/model.weights.h5"
    var data = try contents(of: path)
    let place = try patient.place("dense/bias")
    data[place.lowerBound] ^= 1
    let good = patient.folder.file("good")
    try FileManager.default.copyItem(atPath: patient.whole, toPath: good)
    try data.write(to: URL(filePath: path))
    #expect(try Doctor(patient.whole).verdict("dense/bias") == "damaged")
    _ = try Doctor(
      patient.whole, "--rescue", patient.output, "--fill-from", good, exitCode: 0)
    try patient.expectRescued()
  }

  @Test("an older checkpoint of another layout, or a damaged one, does not fill a loss in silence")
  func wrongOlder() throws {
    let patient = try Patient()
    let place = try patient.place("dense/bias")
    let path = try patient.damaged { $0[place.lowerBound] ^= 1 }
    let bad = patient.folder.file("bad.h5")
    try FileManager.default.copyItem(atPath: path, toPath: bad)
    expectRefused(
      try inspect("doctor", path, "--rescue", patient.output, "--fill-from", bad), "dense/bias")
    expectRefused(
      try inspect(
        "doctor", path, "--rescue", patient.output, "--fill-from",
        Fixture.path("keras-2.12/mlp.weights.h5")), "dense/bias")
  }

  @Test("lost accumulators begin anew at the optimizer's initial value, lost kernels are refused")
  func initialValues() throws {
    let patient = try Patient()
    let slot = try patient.place("accumulator/dense/kernel")
    let path = try patient.damaged { $0[slot.lowerBound] ^= 1 }
    let rescue = try #require(
      try Doctor(path, "--rescue", patient.output, "--fill", "initial", exitCode: 0).rescue)
    let origin = try #require(rescue.tensors.first { $0.source == "filled" })
    #expect(origin.name == "accumulator/dense/kernel")
    #expect(origin.detail == "the start value 0.1")
    try patient.expectRescued(differing: ["accumulator/dense/kernel"])

    let kernel = try patient.place("dense/kernel")
    let worse = try patient.damaged { $0[kernel.lowerBound] ^= 1 }
    let other = patient.folder.file("other.h5")
    expectRefused(
      try inspect("doctor", worse, "--rescue", other, "--fill", "initial"), "dense/kernel")
    #expect(!FileManager.default.fileExists(atPath: other))
  }

  @Test("elements that no training makes are suspect where no digest tells, and are not taken")
  func suspect() throws {
    let folder = try TemporaryDirectory()
    let patient = try Patient()
    let place = try patient.place("accumulator/dense/kernel")
    // Keras's own file has no digests; its tensors lie elsewhere, so the elements are looked for.
    var data = try contents(of: Fixture.path("keras-2.12/mlp.h5"))
    let elements = try contents(of: patient.whole)[place]
    let start = try #require(data.range(of: elements)).lowerBound
    data[start + 3] ^= 0x80
    let path = folder.file("x.h5")
    try data.write(to: URL(filePath: path))
    let doctor = try Doctor(path)
    let slot = try #require(doctor.tensors.first { $0.name == "accumulator/dense/kernel" })
    #expect(slot.verdict == "suspect")
    #expect(slot.reason.contains("1 of 240 elements are negative"))
    expectRefused(
      try inspect("doctor", path, "--rescue", folder.file("o.h5")), "accumulator/dense/kernel")
    expectSuccess(
      try inspect("doctor", path, "--rescue", folder.file("o.h5"), "--keep-suspect"))
  }

  @Test("an existing output is not replaced")
  func existingOutput() throws {
    let patient = try Patient()
    try Data("mine".utf8).write(to: URL(filePath: patient.output))
    expectRefused(
      try inspect("doctor", patient.whole, "--rescue", patient.output), "the file exists")
    #expect(try text(of: patient.output) == "mine")
  }

  @Test(
    "files with nothing in them are told about in one line or a report, never by a crash",
    arguments: ["", "PK\u{3}\u{4}", "hello", "\u{89}HDF\r\n\u{1a}\n"])
  func nothing(content: String) throws {
    let folder = try TemporaryDirectory()
    for name in ["x.h5", "x.keras"] {
      let path = folder.file(name)
      try Data(content.unicodeScalars.map { UInt8($0.value) }).write(to: URL(filePath: path))
      let outcome = try inspect("doctor", path)
      #expect(outcome.exitCode == 1, "\(outcome.errors)")
      #expect(outcome.output.contains("no tensor") || outcome.output.contains("0 of"))
    }
    expectTrouble(try inspect("doctor", folder.file("none.h5")), "No such file")
  }

  @Test("of mutants at random: no crash, and no tensor intact whose bytes are others")
  func mutants() throws {
    let patient = try Patient("keras2-weights", suffix: ".weights.h5")
    let original = try contents(of: patient.whole)
    let places = try patient.digests.keys.map { ($0, try patient.place($0)) }
    var source = SplitMix(state: 7)
    for _ in 0..<25 {
      let path = try patient.damaged { data in
        for _ in 0..<Int.random(in: 1...20, using: &source) {
          let place = Int.random(in: 0..<data.count, using: &source)
          data[place] = UInt8.random(in: 0...255, using: &source)
        }
      }
      let mutant = try contents(of: path)
      let outcome = try inspect("doctor", path, "--format", "json")
      try #require([0, 1].contains(outcome.exitCode), "\(outcome.errors)")
      let doctor = try JSONDecoder().decode(Doctor.self, from: Data(outcome.output.utf8))
      for (name, place) in places where mutant[place] != original[place] {
        #expect(doctor.verdict(name) != "intact")
      }
    }
  }

  private func expectRefused(
    _ outcome: Outcome, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.exitCode == 2, sourceLocation: sourceLocation)
    #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(outcome.errors.contains(words), "\(outcome.errors)", sourceLocation: sourceLocation)
  }
}

/// Steele, Lea and Flood's generator: the same numbers every time.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
