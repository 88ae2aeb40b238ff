public import Foundation

/// A program of this package as the test build left it.
public struct BuiltProduct: Sendable {
  public let path: String

  /// The program `name`, beside the test program itself.
  public init(_ name: String) {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    let folder =
      tests.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
      ?? Bundle.main.bundleURL.deletingLastPathComponent()
    path = folder.appendingPathComponent(name).path
  }

  public static let cairn = BuiltProduct("cairn")
  public static let checkpointInspect = BuiltProduct("checkpoint-inspect")
  public static let saveCheckpoints = BuiltProduct("save-checkpoints")

  /// Runs a shell script: `$0` is this program, `$1`... are the arguments.
  public func runInShell(
    _ script: String, _ arguments: [String] = [], in folder: String? = nil
  ) throws -> Outcome {
    try Self(path: "/bin/sh").run(["-c", script, path] + arguments, in: folder)
  }

  private init(path: String) { self.path = path }

  /// How a run ended, and what it printed.
  public struct Outcome: Sendable {
    /// The exit code, or 128 + the signal that ended it.
    public let exitCode: Int32
    public let output: String
    public let errors: String

    public var outputLines: [String] { output.split(separator: "\n").map(String.init) }
    public var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
  }

  /// Runs the program to its end.
  public func run(
    _ arguments: [String], environment: [String: String] = [:], in folder: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.standardInput = FileHandle.nullDevice
    // Files, not pipes: a program that prints much to both would wait for a reader for ever.
    let scratch = try TemporaryDirectory()
    let outputPath = scratch.file("output")
    let errorsPath = scratch.file("errors")
    for path in [outputPath, errorsPath] {
      _ = FileManager.default.createFile(atPath: path, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorsPath))
    try process.run()
    process.waitUntilExit()
    let code = process.terminationStatus
    return Outcome(
      exitCode: process.terminationReason == .uncaughtSignal ? 128 + code : code,
      output: try String(contentsOfFile: outputPath, encoding: .utf8),
      errors: try String(contentsOfFile: errorsPath, encoding: .utf8))
  }

  /// Starts the program and returns at once; its output is thrown away, its errors too unless they are to
  /// be written to the file `errors`.
  public func start(
    _ arguments: [String], environment: [String: String] = [:], errors: String? = nil
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    if let errors {
      _ = FileManager.default.createFile(atPath: errors, contents: nil)
      process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    }
    try process.run()
    return process
  }
}
