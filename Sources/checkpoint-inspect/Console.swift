import ArgumentParser
import Checkpoints
import Inspection

#if canImport(Glibc)
  @preconcurrency import Glibc  // `stdout` is a variable there
#else
  import Darwin
#endif

enum Console {
  /// Prints a line of text; what files put into it cannot steer the terminal.
  static func printLine(_ line: String = "") { Swift.print(line.withoutControlCharacters) }

  static func print(_ report: some Report, _ style: PrintingStyle) {
    for line in report.lines(as: style.format, isColoured: isColoured(style.color)) {
      Swift.print(line)
    }
  }

  /// Prints lines at once, though there be more to come.
  static func print(_ lines: [StyledText], _ style: PrintingStyle) {
    print(lines.map { $0.rendered(isColoured: isColoured(style.color)) })
  }

  /// Prints lines of a report at once.
  static func print(_ lines: [String]) {
    for line in lines { Swift.print(line) }
    fflush(stdout)
  }

  /// By the convention of no-color.org: any text in `NO_COLOR` turns colour off, unless asked for.
  static func isColoured(_ choice: ColourChoice) -> Bool {
    switch choice {
    case .always: return true
    case .never: return false
    case .auto:
      let isRefused = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
      return isObedient(STDOUT_FILENO) && !isRefused
    }
  }

  /// Whether a stream goes to a terminal that obeys escape sequences.
  static func isObedient(_ descriptor: Int32) -> Bool {
    let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
    return isatty(descriptor) == 1 && !isDumb
  }

  /// Puts `/dev/null` in the place of standard streams that are closed. Otherwise the next file to be
  /// opened would get the number of one.
  static func openMissingStreams() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The lowest free number is given out first: this one.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Runs a command's work; an error becomes one line on standard error and exit code 2.
  ///
  /// - Parameter work: opens its checkpoints by what it gets.
  static func reportingTrouble(_ work: (InputFiles) throws(CheckpointError) -> Void) throws {
    let inputs = InputFiles()
    do {
      try work(inputs)
    } catch {
      report("\(withSuggestion(inputs.naming(error)))")
      throw ExitCode(2)
    }
  }

  /// Lets the process end with exit code 2, and a line that says why, where something that was printed did
  /// not arrive: help, too, which no command of ours prints.
  static func checkOutputAtExit() {
    atexit {
      guard fflush(stdout) != 0 || ferror(stdout) != 0 else { return }
      Console.report("cannot write to standard output: \(String(cString: strerror(errno)))")
      _exit(2)
    }
  }

  /// A file that is not there may be one that is, written wrongly.
  private static func withSuggestion(_ error: CheckpointError) -> CheckpointError {
    guard [.unreadable, .unrecognized].contains(error.kind), access(error.path, F_OK) != 0,
      errno == ENOENT
    else { return error }
    let folder = error.path.lastIndex(of: "/").map { error.path[...$0] } ?? "."
    return error.suggestingFile(among: names(in: String(folder)))
  }

  /// What is in a folder; nothing in one that cannot be read.
  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      names.append(
        withUnsafePointer(to: &entry.pointee.d_name) { name in
          String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
        })
    }
    return names
  }

  private static func report(_ text: String) {
    let line = Array("checkpoint-inspect: \(text.withoutControlCharacters)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}
