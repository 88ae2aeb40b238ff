import Checkpoints
import Foundation
import KerasConfiguration
import Tensors
import TestSupport
import Testing

/// A committed file by real Keras that holds an architecture: what can be converted.
struct ConvertibleFile: CustomStringConvertible {
  let name: String
  let dialect: Dialect

  var description: String { name }
  var path: String { Fixture.path(name) }

  static let all: [ConvertibleFile] =
    (KerasFixture.all + KerasFixture.allOfRules).map {
      ConvertibleFile(name: "\($0).h5", dialect: $0.hasPrefix("keras-2") ? .keras2 : .keras3)
    }
    + [ConvertibleFile(name: "keras-3.15/mlp_ema.directory", dialect: .keras3)]
    // bfloat16 comes back as what it is stored as: see BFloat16Tests.
    + MatrixFile.all.filter { $0.layout != "weights" && !$0.name.contains("bfloat16") }.map {
      ConvertibleFile(
        name: "matrix/\($0.name)",
        dialect: $0.name.hasPrefix("tf")
          ? .tfKeras : $0.name.hasPrefix("keras-2") ? .keras2 : .keras3)
    }

  /// What some profile of the file's own dialect cannot hold, and in which words it is refused.
  func loss(in profile: Profile) -> String? {
    switch (name, profile.dialect, profile.layout) {
    case (_, _, .legacyWeights): "the optimizer"
    case ("matrix/keras-2.12/legacy_adagrad.h5", .keras2, .weights),
      ("matrix/keras-2.12/legacy_adagrad.h5", .keras2, .archive),
      ("matrix/keras-2.12/mixed_precision_legacy.h5", .keras2, .weights),
      ("matrix/keras-2.12/mixed_precision_legacy.h5", .keras2, .archive):
      "legacy classes"
    // Keras 2 itself loads its own file of this kind into the wrong variables.
    case ("matrix/keras-2.12/frozen_wrapped.h5", .keras2, .archive),
      ("matrix/keras-2.12/frozen_wrapped.h5", .keras2, .weights):
      "a slot for every variable that the model trains"
    default: nil
    }
  }
}

@Suite("There and back through every profile") struct ProfileRoundTripTests {
  /// Converts a file to a profile and back into the layout it came from.
  private func roundTrip(
    _ file: ConvertibleFile, through profile: Profile, in folder: borrowing TemporaryDirectory
  ) throws -> String {
    let source = try CheckpointReader(opening: file.path)
    let own = Profile(dialect: source.manifest.dialect, layout: source.manifest.layout)
    let there = folder.file("\(profile.name)\(profile.layout.fileSuffix)")
    let back = folder.file("\(profile.name)-back\(own.layout.fileSuffix)")
    #expect(try source.convert(to: profile, writing: there) == [])
    let other = try CheckpointReader(opening: there)
    #expect(
      Profile(dialect: other.manifest.dialect, layout: other.manifest.layout) == profile)
    #expect(try other.convert(to: own, writing: back) == [])
    if profile == own {
      #expect(FileManager.default.contentsEqual(atPath: file.path, andPath: back))
    }
    return back
  }

  private func expectSameState(_ a: Checkpoint, _ b: Checkpoint) throws {
    #expect(a.variables.map(\.id) == b.variables.map(\.id))
    #expect(a.variables.map(\.name) == b.variables.map(\.name))
    #expect(zip(a.variables, b.variables).allSatisfy { $0.value.isIdentical(to: $1.value) })
    #expect(a.optimizer?.configuration == b.optimizer?.configuration)
    #expect(a.optimizer?.iterations == b.optimizer?.iterations)
    #expect(a.optimizer?.lossScale == b.optimizer?.lossScale)
    #expect(a.frozen == b.frozen)
    let (slots, others) = (a.optimizer?.slots ?? [], b.optimizer?.slots ?? [])
    #expect(slots.map(\.slot) == others.map(\.slot) && slots.map(\.owner) == others.map(\.owner))
    #expect(zip(slots, others).allSatisfy { $0.value.isIdentical(to: $1.value) })
  }

  @Test(
    "every profile of the same Keras gives back values and texts as they were",
    arguments: ConvertibleFile.all)
  func sameKeras(file: ConvertibleFile) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(opening: file.path)
    #expect(original.manifest.dialect == file.dialect)
    for profile in Profile.all where profile.dialect == file.dialect {
      if let words = file.loss(in: profile) {
        let error = try #require(throws: CheckpointError.self) {
          _ = try roundTrip(file, through: profile, in: folder)
        }
        #expect("\(error)".contains(words), "\(profile.name): \(error)")
        continue
      }
      let back = try CheckpointReader(
        opening: roundTrip(file, through: profile, in: folder))
      #expect(try CheckpointDiff(original, back).isEmpty, "\(profile.name)")
      try expectSameState(try original.load(), try back.load())
      #expect(back.manifest.model?.json.text == original.manifest.model?.json.text)
      #expect(
        try back.manifest.training?.json(for: file.dialect, in: .attribute).text
          == original.manifest.training?.json(for: file.dialect, in: .attribute).text)
    }
  }

  @Test(
    "an export gives back values, roles and texts as they were",
    arguments: ConvertibleFile.all, ExportFormat.allCases)
  func export(file: ConvertibleFile, format: ExportFormat) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(opening: file.path)
    let own = Profile(dialect: file.dialect, layout: original.manifest.layout)
    let plain = folder.file("plain\(format.fileSuffix)")
    let back = folder.file("back\(own.layout.fileSuffix)")
    #expect(try original.export(to: plain, format: format) == [])
    let exported = try CheckpointReader(opening: plain)
    #expect(exported.manifest.entries.map(\.name) == original.manifest.entries.map(\.name))
    #expect(exported.manifest.entries.map(\.role) == original.manifest.entries.map(\.role))
    #expect(try CheckpointDiff(original, exported).isEmpty)
    // Its order is evidence that only the file itself has; see FrozenDirectionTests.
    guard original.manifest.frozen.isEmpty else {
      #expect(throws: CheckpointError.self) { try exported.convert(to: own, writing: back) }
      return
    }
    try exported.convert(to: own, writing: back)
    let result = try CheckpointReader(opening: back)
    #expect(try CheckpointDiff(original, result).isEmpty)
    try expectSameState(try original.load(), try result.load())
    #expect(result.manifest.model?.json.text == original.manifest.model?.json.text)
  }

  @Test(
    "every profile of another Keras gives back the values, or is refused before it is written",
    arguments: ConvertibleFile.all)
  func otherKeras(file: ConvertibleFile) throws {
    let folder = try TemporaryDirectory()
    let original = try CheckpointReader(opening: file.path)
    for profile in Profile.all where profile.dialect != file.dialect {
      // Keras 3 has no place for the velocity that Keras 2 keeps at momentum 0 and never reads.
      if file.name == "keras-2.12/sgd.h5", profile.dialect == .keras3 { continue }
      do {
        let back = try CheckpointReader(
          opening: roundTrip(file, through: profile, in: folder))
        let diff = try CheckpointDiff(original, back)
        #expect(diff.isEmpty, "\(profile.name): \(diff.configuration)")
        try expectSameState(try original.load(), try back.load())
        #expect(back.manifest.model?.json.text == original.manifest.model?.json.text)
      } catch let error as CheckpointError {
        #expect([.refused, .unsupported, .inconsistent].contains(error.kind), "\(error)")
        #expect(!error.cure.isEmpty)
      }
    }
    #expect(try folder.names().allSatisfy { !$0.contains(".tmp-") })
  }
}
