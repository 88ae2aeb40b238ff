import CairnKit
import Foundation

/// Saves and loads on request, for comparisons in turn with another program.
enum FileServer {
  /// `arguments`: a folder, and how many layers of how many inputs and units. For each line of the
  /// input, `save` or `load` and `weights` or `archive`, does it and prints its nanoseconds.
  static func run(_ arguments: [String]) throws {
    let sizes = arguments.dropFirst().compactMap { Int($0) }
    guard let folder = arguments.first, sizes.count == 3, sizes.allSatisfy({ $0 > 0 }) else {
      print("usage: Benchmarks files FOLDER LAYERS INPUTS UNITS")
      exit(64)
    }
    let checkpoint = try CheckpointBenchmarks.checkpoint(
      layers: sizes[0], inputs: sizes[1], units: sizes[2])
    let skeletons = ["weights": KeptSkeleton(), "archive": KeptSkeleton()]
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 2, let skeleton = skeletons[words[1]] else {
        print("cannot \(line)")
        exit(64)
      }
      let isArchive = words[1] == "archive"
      let path = "\(folder)/x\(isArchive ? ".keras" : ".weights.h5")"
      let profile = Profile(dialect: .keras3, layout: isArchive ? .archive : .weights)
      let duration = try ContinuousClock().measure {
        if words[0] == "save" {
          try checkpoint.save(to: path, profile: profile, replacing: true, reusing: skeleton)
        } else {
          let loaded = try CheckpointReader(opening: path).load()
          precondition(loaded.variables.count == checkpoint.variables.count)
        }
      }
      let (seconds, attoseconds) = duration.components
      let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) * 1e-9
      FileHandle.standardOutput.write(Data("\(nanoseconds)\n".utf8))
    }
  }
}
