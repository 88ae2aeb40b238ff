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
    ("snapshot", OptimizerBenchmarks.snapshot),
    ("cache", OptimizerBenchmarks.cache),
    ("small", OptimizerBenchmarks.smallVariables),
    ("rows", OptimizerBenchmarks.rows),
    ("checkpoint", CheckpointBenchmarks.large),
    ("checkpoint-many", CheckpointBenchmarks.many),
  ]

  static func main() throws {
    let chosen = CommandLine.arguments.dropFirst()
    for name in chosen where !all.contains(where: { $0.name == name }) {
      print("no benchmark \(name); there are: \(all.map(\.name).joined(separator: ", "))")
      exit(64)
    }
    print("machine: \(machine), \(ProcessInfo.processInfo.activeProcessorCount) processors")
    for benchmark in all where chosen.isEmpty || chosen.contains(benchmark.name) {
      try benchmark.run()
    }
  }

  private static var machine: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }
}
