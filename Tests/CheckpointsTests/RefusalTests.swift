import Checkpoints
import Foundation
import HDF5
import KerasConfiguration
import Tensors
import TestSupport
import Testing

/// Something that Cairn refuses, and what its one line must name.
struct Refusal: CustomTestStringConvertible, Sendable {
  let testDescription: String
  /// The object in the line; nil where the file as a whole is to blame.
  let object: String?
  /// Does it in a folder that is empty; returns the file that the line must name.
  let attempt: @Sendable (Folder) throws -> Void

  init(
    _ name: String, _ object: String?, _ attempt: @escaping @Sendable (Folder) throws -> Void
  ) {
    testDescription = name
    self.object = object
    self.attempt = attempt
  }

  /// The folder of one attempt.
  struct Folder {
    let path: String

    /// A copy of a fixture, whole-model of Keras 2 unless named, changed through libhdf5.
    func altered(
      _ fixture: String = "keras-2.12/mlp.h5", _ change: (borrowing HDF5Group) throws -> Void
    ) throws -> String {
      let path = "\(path)/altered.h5"
      try FileManager.default.copyItem(atPath: Fixture.path(fixture), toPath: path)
      let file = try HDF5File.openForUpdate(path)
      do { try change(file.root()) }
      try file.close()
      return path
    }

    /// A file of these bytes.
    func written(_ bytes: some DataProtocol, _ name: String = "x") throws -> String {
      let path = "\(path)/\(name)"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return path
    }

    /// An archive of these members, stored, or compressed where asked for.
    func archive(_ members: [(String, Data)], isCompressed: Bool = false) throws -> String {
      let inner = "\(path)/inner"
      try FileManager.default.createDirectory(
        atPath: inner, withIntermediateDirectories: true)
      for (name, data) in members {
        try data.write(to: URL(fileURLWithPath: "\(inner)/\(name)"))
      }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        [
          "python3", "-c",
          """
          import sys, zipfile
          method = zipfile.ZIP_DEFLATED if sys.argv[1] == "1" else zipfile.ZIP_STORED
          with zipfile.ZipFile("x.keras", "w", method) as archive:
              for name in sys.argv[2:]:
                  archive.write("inner/" + name, name)
          """, isCompressed ? "1" : "0",
        ] + members.map(\.0)
      process.currentDirectoryURL = URL(fileURLWithPath: path)
      try process.run()
      process.waitUntilExit()
      return "\(path)/x.keras"
    }

    func convert(_ source: String, _ profile: String, to name: String = "out") throws {
      try CheckpointReader(opening: source).convert(
        to: #require(Profile(name: profile)), writing: "\(path)/\(name)")
    }

    func restore(
      _ source: String, into target: String, to name: String = "out",
      _ selection: RestoreSelection = RestoreSelection()
    ) throws {
      let (reader, other) = (
        try CheckpointReaderBox(source), try CheckpointReaderBox(target)
      )
      let plan = RestorePlan(
        source: reader.reader.manifest, target: other.reader.manifest, selection: selection)
      try reader.reader.restore(plan, into: other.reader, writing: "\(path)/\(name)")
    }

    /// A document or member of a model that Keras 3 saved as a folder.
    func member(_ name: String) throws -> Data {
      try Data(
        contentsOf: URL(
          fileURLWithPath: Fixture.path("keras-3.15/mlp_ema.directory/\(name)")))
    }
  }
}

/// Readers are not copyable, so that two do not fit into one tuple.
private final class CheckpointReaderBox {
  let reader: CheckpointReader
  init(_ path: String) throws { reader = try CheckpointReader(opening: path) }
}

extension Refusal {
  private static let kernel = "model_weights/dense/dense/kernel:0"
  private static let slot = "optimizer_weights/Adagrad/accumulator/dense/kernel:0"
  private static let mlp = Fixture.path("keras-2.12/mlp.h5")

  private static func read(_ path: String) throws { _ = try CheckpointReader(opening: path) }

  static let unreadable: [Refusal] = [
    Refusal("no file", nil) { try read("\($0.path)/none.h5") },
    Refusal("a text", nil) { try read($0.written(Data("hello".utf8))) },
    Refusal("an empty file", nil) { try read($0.written(Data())) },
    Refusal("a file cut short", nil) {
      try read($0.written(Data(contentsOf: URL(fileURLWithPath: mlp)).prefix(20_000)))
    },
    Refusal("an HDF5 file of data", nil) { _ in try read(Fixture.path("digits.h5")) },
    Refusal("a weight missing", kernel) { try read($0.altered { try $0.remove(kernel) }) },
    Refusal("a layer missing", "model_weights/dense") {
      try read($0.altered { try $0.remove("model_weights/dense") })
    },
    Refusal("a slot missing", slot) { try read($0.altered { try $0.remove(slot) }) },
    Refusal("a configuration that is no JSON", "configuration") {
      try read($0.altered { try $0.attributes.setString("{", for: "model_config") })
    },
    Refusal("a configuration without class", "configuration") {
      try read($0.altered { try $0.attributes.setString("{}", for: "model_config") })
    },
    Refusal("slots whose names contradict their order", "optimizer_weights") {
      try read(
        $0.altered {
          let group = try $0.openGroup("optimizer_weights")
          var names = try group.attributes.strings("weight_names")
          names.swapAt(2, 4)
          try group.attributes.remove("weight_names")
          try group.attributes.setStrings(names, for: "weight_names")
        })
    },
    Refusal("a weight that is listed twice", "/optimizer_weights@weight_names") {
      try read(
        $0.altered {
          let group = try $0.openGroup("optimizer_weights")
          var names = try group.attributes.strings("weight_names")
          names[2] = names[4]
          try group.attributes.remove("weight_names")
          try group.attributes.setStrings(names, for: "weight_names")
        })
    },
    Refusal("a later version of Cairn's group", "/cairn@format_version") {
      try read(
        $0.altered { try $0.createGroup("cairn").attributes.setInteger(99, for: "format_version") })
    },
    Refusal("an arithmetic that nobody knows", "/cairn@arithmetic") {
      try read(
        $0.altered {
          let group = try $0.createGroup("cairn")
          try group.attributes.setInteger(2, for: "format_version")
          try group.attributes.setString("roman", for: "arithmetic")
        })
    },
    Refusal("an archive without weights", nil) {
      try read($0.archive([("config.json", $0.member("config.json"))]))
    },
    Refusal("an archive without configuration", nil) {
      try read($0.archive([("model.weights.h5", $0.member("model.weights.h5"))]))
    },
    Refusal("an archive cut short", "directory") {
      let folder = $0
      let whole = try folder.archive([("config.json", folder.member("config.json"))])
      let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
      try read(folder.written(bytes.prefix(bytes.count - 30)))
    },
    Refusal("a map that is no JSON", nil) { try read($0.written(Data("{\"weight".utf8))) },
    Refusal("a map of nothing", nil) { try read($0.written(Data("{\"a\": 1}".utf8))) },
    Refusal("a map that leads out of its folder", "/layers/dense/vars") {
      try read(
        $0.written(
          Data("{\"weight_map\": {\"/layers/dense/vars\": [\"../x\"]}}".utf8)))
    },
    Refusal("a map of files that are not there", nil) {
      try read(
        $0.written(Data("{\"weight_map\": {\"/layers/dense/vars\": [\"y.h5\"]}}".utf8)))
    },
    Refusal("safetensors whose data lie outside", "a") {
      let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
      let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
      try read($0.written(length + Data(header.utf8)))
    },
  ]

  static let refused: [Refusal] = [
    Refusal("a layer without the names of its weights", "dense/kernel") {
      let path = try $0.altered {
        try $0.openGroup("model_weights/dense").attributes.remove("weight_names")
        try $0.remove("optimizer_weights")
      }
      try CheckpointReader(opening: path).convert(
        to: Profile(dialect: .keras2, layout: .legacyWeights), writing: "\($0.path)/out",
        acceptingLoss: true)
    },
    Refusal("a slot in another shape than its variable", slot) {
      try read(
        $0.altered {
          try $0.remove(slot)
          _ = try $0.createDataset(slot, .float32, shape: [2, 3])
        })
    },
    Refusal("a conversion that loses something", "conversion") {
      try $0.convert(mlp, "keras2-weights-h5")
    },
    Refusal("weights without architecture", "configuration") {
      try $0.convert(Fixture.path("keras-3.15/mlp.weights.h5"), "keras2-weights")
    },
    Refusal("an optimizer that Cairn does not have", "conversion") {
      let path = try $0.altered {
        let text = try $0.attributes.string("training_config")
        try $0.attributes.setString(
          text.replacing("Custom>Adagrad", with: "Custom>Ftrl"), for: "training_config")
      }
      try $0.convert(path, "keras2-weights")
    },
    Refusal("a layer of an unknown class with others inside", "configuration") {
      let path = try $0.altered("matrix/keras-2.12/frozen_wrapped.h5") {
        let text = try $0.attributes.string("model_config")
        try $0.attributes.setString(
          text.replacing("\"Bidirectional\"", with: "\"Whatever\""), for: "model_config")
        try $0.remove("optimizer_weights")
        try $0.attributes.remove("training_config")
      }
      try $0.convert(path, "keras2-weights")
    },
    Refusal("an output that exists", "output") {
      _ = try $0.written(Data(), "out")
      try $0.convert(mlp, "keras2-weights")
    },
    Refusal("an output in a folder that does not", "output") {
      try $0.convert(mlp, "keras2-weights", to: "no/out")
    },
    Refusal("an input as output", "output") {
      let copy = try $0.altered { _ in }
      try $0.convert(copy, "keras2-weights", to: "altered.h5")
    },
    Refusal("a restore of what is missing", "selection") {
      try $0.restore(mlp, into: Fixture.path("keras-2.12/mlp_ema.h5"))
    },
    Refusal("a restore into other shapes", "selection") {
      try $0.restore(mlp, into: Fixture.path("keras-2.12/flatten.h5"))
    },
    Refusal("a restore of nothing", "selection") {
      try $0.restore(mlp, into: mlp, RestoreSelection(excluding: [#require(Glob("*"))]))
    },
    Refusal("a restore by a pattern that fits nothing", "selection") {
      try $0.restore(mlp, into: mlp, RestoreSelection(only: [#require(Glob("dens/kernel"))]))
    },
    Refusal("a restore into plain tensors", "target") {
      let plain = "\($0.path)/plain.npz"
      try CheckpointReader(opening: mlp).export(to: plain, format: .npz)
      try $0.restore(mlp, into: plain)
    },
    Refusal("a configuration for weights by Keras", "configuration") {
      try $0.restore(
        mlp, into: Fixture.path("keras-3.15/mlp.weights.h5"),
        RestoreSelection(parts: [.configuration]))
    },
    Refusal("a configuration that keeps other slots", "configuration") {
      try $0.restore(
        Fixture.path("keras-2.12/mlp_ema.h5"), into: mlp,
        RestoreSelection(parts: [.configuration]))
    },
    Refusal("a save as a layout that Keras does not have", nil) {
      try CheckpointReader(opening: mlp).load().save(
        to: "\($0.path)/out", profile: Profile(dialect: .keras3, layout: .npz))
    },
    Refusal("an architecture without some of its variables", "dense_1/bias") {
      var checkpoint = try CheckpointReader(opening: mlp).load()
      checkpoint.variables.removeLast()
      try checkpoint.save(
        to: "\($0.path)/out", profile: Profile(dialect: .keras2, layout: .weights))
    },
    Refusal("an optimizer without some of its slots", "accumulator/dense_1/bias") {
      var checkpoint = try CheckpointReader(opening: mlp).load()
      checkpoint.optimizer?.slots.removeLast()
      try checkpoint.save(
        to: "\($0.path)/out", profile: Profile(dialect: .keras2, layout: .weights))
    },
  ]
}

@Suite("What Cairn refuses") struct RefusalTests {
  @Test(
    "one line tells file, object, what was expected and found, and the cure",
    arguments: Refusal.unreadable + Refusal.refused)
  func line(refusal: Refusal) throws {
    let folder = try TemporaryDirectory()
    let error = try #require(throws: CheckpointError.self) {
      try refusal.attempt(Refusal.Folder(path: folder.path))
    }
    let line = "\(error)"
    #expect(!line.contains("\n"))
    #expect(line.hasPrefix("\(error.operation) \(error.path)"), "\(line)")
    #expect(error.path.hasPrefix("/"))
    if let object = refusal.object {
      #expect(error.object?.contains(object) == true, "\(line)")
    }
    #expect(line.contains("expected "), "\(line)")
    #expect(line.contains(", found"), "\(line)")
    #expect(!line.contains("found expected"), "\(line)")
    #expect(!error.cure.isEmpty && line.hasSuffix("; \(error.cure)"), "\(line)")
    // Nothing half-written stays behind.
    #expect(try folder.names().allSatisfy { !$0.contains(".tmp-") })
  }

  @Test("what is not there has another cure than what is damaged")
  func missing() throws {
    let folder = try TemporaryDirectory()
    let file = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: folder.file("missing.h5"))
    }
    #expect(file.cure == "check the name and the permissions")
    let run = try #require(throws: CheckpointError.self) {
      try CheckpointStore.saved(in: folder.file("missing"))
    }
    #expect(run.cure == "check its name and its permissions")
    #expect("\(run)".contains("expected a folder of checkpoints, found No such file"))
    let text = folder.file("notes.txt")
    try Data("no checkpoint".utf8).write(to: URL(fileURLWithPath: text))
    let damaged = try #require(throws: CheckpointError.self) {
      _ = try CheckpointReader(opening: text)
    }
    #expect(damaged.problem == "expected an HDF5 file, found no HDF5 signature")
    #expect(damaged.cure.contains("take another copy"))
  }
}
