import Foundation
import TestSupport
import Testing

/// One training state in every layout, small, in a folder of its own; and `before.h5`, nine steps earlier.
///
/// A class: a noncopyable value must not throw once a part of it is made.
final class LayoutFiles {
  let folder: TemporaryDirectory

  /// The checkpoints, as they are named in the folder.
  static let names = [
    "whole.h5", "weights.weights.h5", "archive.keras", "shards.weights.json", "directory",
    "keras2.h5", "legacy.h5", "plain.safetensors", "plain.npz",
  ]

  private static let conversions: [(name: String, options: [String])] = [
    ("weights.weights.h5", ["--to", "keras3-weights"]),
    ("archive.keras", ["--to", "keras3-archive"]),
    ("shards.weights.json", ["--to", "keras3-sharded", "--max-shard-size", "100"]),
    ("directory", ["--to", "keras3-directory"]),
    ("keras2.h5", ["--to", "keras2-h5", "--accept-loss"]),
    ("legacy.h5", ["--to", "keras2-weights-h5", "--accept-loss"]),
  ]

  init() throws {
    folder = try TemporaryDirectory()
    let fixtures = [("noisy-1", "before.h5"), ("noisy-10", "whole.h5")]
    for (fixture, name) in fixtures {
      try FileManager.default.copyItem(
        atPath: Fixture.path("descent/keras-3.15/\(fixture).h5"), toPath: folder.file(name))
    }
    for (name, options) in Self.conversions {
      let outcome = try BuiltProduct.checkpointInspect.run(
        ["convert", "whole.h5", name] + options, in: folder.path)
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
    }
    for name in ["plain.safetensors", "plain.npz"] {
      expectSuccess(try inspect("export", "whole.h5", name, in: folder.path))
    }
  }

  /// Gives the checkpoints times of their own, a minute apart, from noon on.
  func setTimes(_ names: [String]) throws {
    for (minute, name) in names.enumerated() {
      let time = Date(timeIntervalSince1970: 1_790_000_000 + Double(60 * minute))
      var paths = [folder.file(name)]
      if name == "directory" { paths.append(folder.file("directory/model.weights.h5")) }
      for path in paths {
        try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
      }
    }
  }
}
