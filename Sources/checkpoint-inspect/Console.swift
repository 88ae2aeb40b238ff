import ArgumentParser
import Checkpoints
import KerasConfiguration

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How a report is printed.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

enum Console {
  static func printJSON(_ value: JSONValue) { print(value.prettyText) }

  /// Runs a command's work; an error becomes one line on standard error and exit code 2.
  static func reportingTrouble(_ work: () throws(CheckpointError) -> Void) throws {
    do {
      try work()
    } catch {
      let line = Array("checkpoint-inspect: \(error)\n".utf8)
      _ = write(STDERR_FILENO, line, line.count)
      throw ExitCode(2)
    }
  }
}
