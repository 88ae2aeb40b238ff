import ArgumentParser
import Checkpoints
import KerasConfiguration

#if canImport(Glibc)
  @preconcurrency import Glibc  // `stdout` is a variable there
#else
  import Darwin
#endif

/// How a report is printed.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
  case text, json
}

enum Console {
  /// Prints a line of text; what files put into it cannot steer the terminal.
  static func printLine(_ line: String = "") { print(line.withoutControlCharacters) }

  static func printJSON(_ value: JSONValue) { print(value.prettyText) }

  /// Puts `/dev/null` in the place of standard streams that are closed. Otherwise the next file to be
  /// opened would get the number of one.
  static func openMissingStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given out first: this one.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Runs a command's work; an error becomes one line on standard error and exit code 2.
  static func reportingTrouble(_ work: () throws(CheckpointError) -> Void) throws {
    do {
      try work()
    } catch {
      throw trouble("\(error)")
    }
    guard fflush(stdout) == 0, ferror(stdout) == 0 else {
      throw trouble("cannot write to standard output: \(String(cString: strerror(errno)))")
    }
  }

  private static func trouble(_ text: String) -> ExitCode {
    let line = Array("checkpoint-inspect: \(text.withoutControlCharacters)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    return ExitCode(2)
  }
}
