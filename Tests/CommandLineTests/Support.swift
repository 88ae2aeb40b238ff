import Foundation
import HDF5
import TestSupport
import Testing

typealias Outcome = BuiltProduct.Outcome

func cairn(_ arguments: String..., in folder: String? = nil) throws -> Outcome {
  try BuiltProduct.cairn.run(arguments, in: folder)
}

func inspect(_ arguments: String..., in folder: String? = nil) throws -> Outcome {
  try BuiltProduct.checkpointInspect.run(arguments, in: folder)
}

/// Fails unless the run ended well and said nothing on standard error.
func expectSuccess(_ outcome: Outcome, sourceLocation: SourceLocation = #_sourceLocation) {
  #expect(outcome.exitCode == 0, sourceLocation: sourceLocation)
  #expect(outcome.errors == "", sourceLocation: sourceLocation)
}

/// Fails unless the run ended with exit code 2 and exactly one line, with all of `words` in it.
func expectTrouble(
  _ outcome: Outcome, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.exitCode == 2, "\(outcome.output)", sourceLocation: sourceLocation)
  #expect(outcome.errorLines.count == 1, "\(outcome.errors)", sourceLocation: sourceLocation)
  for word in words {
    #expect(outcome.errors.contains(word), sourceLocation: sourceLocation)
  }
}

/// The machine's name, as it stands in the names of files in the making.
var hostName: String { ProcessInfo.processInfo.hostName }

func contents(of path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

func text(of path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

/// The bytes of all files directly in a folder, by name.
func snapshot(of folder: String) throws -> [String: Data] {
  var files: [String: Data] = [:]
  for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
    files[name] = try contents(of: "\(folder)/\(name)")
  }
  return files
}

// MARK: - Checkpoints

/// What `show --format json` says, as far as tests ask.
struct Shown: Decodable {
  struct Variable: Decodable {
    let name: String
    let datasetPath: String
    let role: String
    let slot: String?
    let variable: String?
    let shape: [Int]
    let dtype: String
    let byteCount: Int
    let sha256: String?
  }

  struct Optimizer: Decodable {
    let className: String?
    let iterations: Int?
    let learningRate: Double?
  }

  let schemaVersion: Int
  let layout: String
  let dialect: String
  let kerasVersion: String?
  let variables: [Variable]
  let optimizer: Optimizer?

  init(_ path: String) throws {
    let outcome = try inspect("show", path, "--digests", "--format", "json")
    try #require(outcome.exitCode == 0, "\(outcome.errors)")
    self = try JSONDecoder().decode(Self.self, from: Data(outcome.output.utf8))
  }

  /// SHA-256 by name.
  var digests: [String: String] {
    Dictionary(uniqueKeysWithValues: variables.map { ($0.name, $0.sha256 ?? "") })
  }
}

/// The names of variables that `diff` does not find equal.
func differences(_ a: String, _ b: String) throws -> Set<String> {
  struct Diff: Decodable {
    struct Item: Decodable {
      let name: String
      let outcome: String
    }
    let variables: [Item]
  }
  let outcome = try inspect("diff", a, b, "--format", "json")
  try #require(outcome.exitCode <= 1, "\(outcome.errors)")
  let diff = try JSONDecoder().decode(Diff.self, from: Data(outcome.output.utf8))
  return Set(diff.variables.filter { $0.outcome != "equal" }.map(\.name))
}
