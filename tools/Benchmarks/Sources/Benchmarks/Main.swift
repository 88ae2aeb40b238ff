import Foundation

/// Speed of the engine against ceilings that are measured in the same run.
///
///     swift run -c release --package-path tools/Benchmarks Benchmarks [name ...]
@main
struct Benchmarks {
  static let all: [(name: String, run: @Sendable () throws -> Void)] = [
    ("dense", OptimizerBenchmarks.dense),
    ("averages", OptimizerBenchmarks.averages),
    ("options", OptimizerBenchmarks.options),
    ("snapshot", SnapshotBenchmarks.dense),
    ("snapshot-rows", SnapshotBenchmarks.rows),
    ("stall", StallBenchmarks.run),
    ("cache", OptimizerBenchmarks.cache),
    ("small", OptimizerBenchmarks.smallVariables),
    ("rows", OptimizerBenchmarks.rows),
    ("saves", CheckpointBenchmarks.largeAgain),
    ("saves-many", CheckpointBenchmarks.manyAgain),
    ("checkpoint", CheckpointBenchmarks.large),
    ("checkpoint-many", CheckpointBenchmarks.many),
    ("digests", DigestBenchmarks.run),
    ("allocations", AllocationBenchmark.run),
  ]

  static func main() throws {
    let chosen = CommandLine.arguments.dropFirst()
    if chosen.first == "serve" { return try serve(chosen.dropFirst().map { Int($0) ?? 0 }) }
    if chosen.first == "files" { return try FileServer.run(Array(chosen.dropFirst())) }
    for name in chosen where !all.contains(where: { $0.name == name }) {
      print("no benchmark \(name); there are: \(all.map(\.name).joined(separator: ", "))")
      exit(64)
    }
    print("machine: \(machine), \(ProcessInfo.processInfo.activeProcessorCount) processors")
    for benchmark in all where chosen.isEmpty || chosen.contains(benchmark.name) {
      try benchmark.run()
    }
  }

  /// Takes a step of `arguments[0]` elements on `arguments[1]` threads for every line of the input and
  /// prints its nanoseconds: for comparisons in turn with another program.
  private static func serve(_ arguments: [Int]) throws {
    guard arguments.count == 2, arguments.allSatisfy({ $0 > 0 }) else {
      print("usage: Benchmarks serve ELEMENTS THREADS")
      exit(64)
    }
    var training = try Training(sizes: [arguments[0]], threads: arguments[1])
    while readLine() != nil {
      let duration = ContinuousClock().measure { training.step() }
      let (seconds, attoseconds) = duration.components
      let nanoseconds = Double(seconds) * 1e9 + Double(attoseconds) * 1e-9
      FileHandle.standardOutput.write(Data("\(nanoseconds)\n".utf8))
    }
  }

  private static var machine: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }
}
